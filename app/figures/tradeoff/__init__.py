"""The figure that Explore is about: every candidate by its cost and by what it loses.

Belongs here: its marks, its heights, and the picture of it that is seen before Plotly is there. Does not: other
figures.
"""

from app.figures.tradeoff.height import HEIGHTS, View
from app.figures.tradeoff.marks import Mark, usual_marks
from app.figures.tradeoff.picture import picture
from app.figures.tradeoff.scatter import SIZE, below_view, scatter

__all__ = ["HEIGHTS", "SIZE", "Mark", "View", "below_view", "picture", "scatter", "usual_marks"]
