"""Does selection keep its promise, on worlds of known truth and on the shipped studies' own tables?"""
