"""The figure that Explore is about: every candidate by its cost and by what it loses.

Belongs here: its marks, its heights, and the picture of it that is seen before Plotly is there. Does not: other
figures.
"""

from app.figures.tradeoff.candidates import SIZE, below_view, scatter
from app.figures.tradeoff.height import HEIGHTS, View
from app.figures.tradeoff.marks import Mark, usual_marks
from app.figures.tradeoff.seen_first import picture
from app.figures.tradeoff.zoom import Zoom, handled

__all__ = ["HEIGHTS", "SIZE", "Mark", "View", "Zoom", "below_view", "handled", "picture", "scatter", "usual_marks"]
