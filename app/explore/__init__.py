"""Explore: which pattern is fast enough and good enough, from a study's tables.

Belongs here: the parts of that page, a tab a module. Does not: running a model (`live`).
"""
