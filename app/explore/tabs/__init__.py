"""What lies below Explore's figure, a tab a module.

Belongs here: the content of those tabs. Does not: the figure and the current pattern above them (`explore`).
"""
