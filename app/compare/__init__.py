"""Compare: studies and patterns side by side.

Belongs here: the parts of that page, a tab a module. Does not: what is said of a single study (`explore`).
"""
