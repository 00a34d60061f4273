"""For whom a difference holds: new episodes, new classes or new trainings, and what a narrower interval costs.

Belongs here: where the variance of a mean over episodes comes from. Does not: verdicts (`selection.verdicts`).
"""

from lambda_core.selection.variance.class_effects import ClassEffects
from lambda_core.selection.variance.populations import Populations
from lambda_core.selection.variance.purchases import Needed, describe_needed, needed_for

__all__ = ["ClassEffects", "Needed", "Populations", "describe_needed", "needed_for"]
