"""Learn: five short scenes, each with a figure to play with.

Belongs here: the scenes, one a module, and what they have in common. Does not: their figures (`figures.learning`).
"""
