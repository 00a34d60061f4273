"""What candidates cost, and how many times faster than the reference they are, with intervals.

Belongs here: timing tables of one condition, paired round by round. Does not: which candidate is chosen (`verdicts`).
No torch.
"""

from lambda_core.selection.speed.costs import (
    AXES,
    EXPORTED,
    Axis,
    TimingCondition,
    candidate_costs,
    ratio,
    rows_under,
    timing_conditions,
    was_timed,
)
from lambda_core.selection.speed.paired_rounds import (
    SLOWER,
    SpeedUps,
    chance_near_fastest,
    counted_speed_ups,
    speed_ups_by,
    timed_speed_ups,
    zone_of,
)

__all__ = [
    "AXES",
    "EXPORTED",
    "SLOWER",
    "Axis",
    "SpeedUps",
    "TimingCondition",
    "candidate_costs",
    "chance_near_fastest",
    "counted_speed_ups",
    "ratio",
    "rows_under",
    "speed_ups_by",
    "timed_speed_ups",
    "timing_conditions",
    "was_timed",
    "zone_of",
]
