"""The rule: which candidates pass, which is chosen, what a race or a search finds; on plain tables and arrays.

Belongs here: statistics and choices. Does not: studies on disk (`studies`), questions to a whole study (`analysis`).
No torch.
"""

from lambda_core.selection.candidates import (
    Candidate,
    OneSplit,
    Scores,
    candidate_index,
    candidate_table,
    check_episode_matrix,
    episode_matrix,
    same_step_size,
    scores_of,
)
from lambda_core.selection.choice import Choice, Confirmation, confirm
from lambda_core.selection.comparison import Comparison, budget_curve, compare_candidates, fitting, select_pattern
from lambda_core.selection.improvements import PatternGain, best_gain, best_gain_at
from lambda_core.selection.layer_step_sizes import describe_gaining, gaining, parse_step_sizes, tune, untuned
from lambda_core.selection.paired_tests import (
    FEWEST,
    Floats,
    Interval,
    PairedDifference,
    half_width_of_mean,
    mean_accuracy,
)
from lambda_core.selection.pareto import pareto_front
from lambda_core.selection.pattern_search import SearchResult, search
from lambda_core.selection.racing import (
    Entrants,
    ExhaustiveChoice,
    Race,
    Runner,
    against_exhaustive,
    confirm_race,
    describe_race,
    race,
    replay,
)
from lambda_core.selection.search_verdicts import describe_search, dominating, judge_search
from lambda_core.selection.sentences import (
    FOR_WHOM,
    describe_degradation,
    for_these_episodes,
    near_fastest,
    promise,
    sentence,
)
from lambda_core.selection.settings import SelectionSettings
from lambda_core.selection.speed import (
    EXPORTED,
    SLOWER,
    Axis,
    SpeedUps,
    TimingCondition,
    candidate_costs,
    counted_speed_ups,
    ratio,
    rows_under,
    speed_ups_by,
    timed_speed_ups,
    timing_conditions,
    was_timed,
)
from lambda_core.selection.variance import ClassEffects, Needed, Populations, describe_needed, needed_for
from lambda_core.selection.verdicts import fastest, judge, simultaneous_bounds

__all__ = [
    "EXPORTED",
    "FEWEST",
    "FOR_WHOM",
    "SLOWER",
    "Axis",
    "Candidate",
    "Choice",
    "ClassEffects",
    "Comparison",
    "Confirmation",
    "Entrants",
    "ExhaustiveChoice",
    "Floats",
    "Interval",
    "Needed",
    "OneSplit",
    "PairedDifference",
    "PatternGain",
    "Populations",
    "Race",
    "Runner",
    "Scores",
    "SearchResult",
    "SelectionSettings",
    "SpeedUps",
    "TimingCondition",
    "against_exhaustive",
    "best_gain",
    "best_gain_at",
    "budget_curve",
    "candidate_costs",
    "candidate_index",
    "candidate_table",
    "check_episode_matrix",
    "compare_candidates",
    "confirm",
    "confirm_race",
    "counted_speed_ups",
    "describe_degradation",
    "describe_gaining",
    "describe_needed",
    "describe_race",
    "describe_search",
    "dominating",
    "episode_matrix",
    "fastest",
    "fitting",
    "for_these_episodes",
    "gaining",
    "half_width_of_mean",
    "judge",
    "judge_search",
    "mean_accuracy",
    "near_fastest",
    "needed_for",
    "pareto_front",
    "parse_step_sizes",
    "promise",
    "race",
    "ratio",
    "replay",
    "rows_under",
    "same_step_size",
    "scores_of",
    "search",
    "select_pattern",
    "sentence",
    "simultaneous_bounds",
    "speed_ups_by",
    "timed_speed_ups",
    "timing_conditions",
    "tune",
    "untuned",
    "was_timed",
]
