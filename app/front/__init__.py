"""The front page: what Lambda Lab is, a race to watch, and the studies side by side.

Belongs here: the parts of that page. Does not: choosing a pattern (`explore`), running a model (`live`): the race is
played from what was recorded.
"""
