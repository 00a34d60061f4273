"""About: what this is, the words it uses, where its numbers come from.

Belongs here: the texts of that page. Does not: anything measured.
"""
