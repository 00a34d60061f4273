"""The rule: which candidates pass, which is chosen, what a race or a search finds; on plain tables and arrays.

Belongs here: statistics and choices. Does not: studies on disk (`studies`), questions to a whole study (`analysis`).
No torch.
"""

from lambda_core.selection.candidates import Candidate, candidate_index, episode_matrix
from lambda_core.selection.choice import Choice, Confirmation, confirm
from lambda_core.selection.comparison import Comparison, budget_curve, compare_candidates, select_pattern
from lambda_core.selection.costs import Axis, TimingCondition, candidate_costs, ratio, rows_under, timing_conditions
from lambda_core.selection.improvements import PatternGain, best_gain, best_gain_at
from lambda_core.selection.paired_tests import Floats, PairedDifference, half_width_of_mean
from lambda_core.selection.pareto import pareto_front
from lambda_core.selection.pattern_search import SearchResult, search
from lambda_core.selection.racing import (
    Entrants,
    Race,
    Runner,
    against_exhaustive,
    confirm_race,
    race,
    replay,
)
from lambda_core.selection.search_verdicts import dominating, in_words, verdicts
from lambda_core.selection.sentences import sentence
from lambda_core.selection.settings import SelectionSettings
from lambda_core.selection.verdicts import fastest, judge

__all__ = [
    "Axis",
    "Candidate",
    "Choice",
    "Comparison",
    "Confirmation",
    "Entrants",
    "Floats",
    "PairedDifference",
    "PatternGain",
    "Race",
    "Runner",
    "SearchResult",
    "SelectionSettings",
    "TimingCondition",
    "against_exhaustive",
    "best_gain",
    "best_gain_at",
    "budget_curve",
    "candidate_costs",
    "candidate_index",
    "compare_candidates",
    "confirm",
    "confirm_race",
    "dominating",
    "episode_matrix",
    "fastest",
    "half_width_of_mean",
    "in_words",
    "judge",
    "pareto_front",
    "race",
    "ratio",
    "replay",
    "rows_under",
    "search",
    "select_pattern",
    "sentence",
    "timing_conditions",
    "verdicts",
]
