"""Lambda patterns: which layers the inner loop updates at which step, what that costs, how it is said in words, and
what was seen of it step by step.

Belongs here: what follows from a pattern alone. Does not: measured accuracies and times (`selection`), tensors
(`adaptation`). No torch.
"""

from lambda_core.patterns.choosing import EXHAUSTIVE, patterns_to_measure
from lambda_core.patterns.describe import describe_pattern
from lambda_core.patterns.memory import LayerMemory, Pass, Peak, peak_of_plan
from lambda_core.patterns.pattern import NAMES, LambdaPattern, full_like
from lambda_core.patterns.plan import AdaptationPlan, LayerStep, count_cost, plan_adaptation
from lambda_core.patterns.update import DIGITS, WAYS_BACK, Row, Update, is_head_alone, lowest_ever, lowest_updated
from lambda_core.patterns.watched import Sine, StepState, Trace

__all__ = [
    "DIGITS",
    "EXHAUSTIVE",
    "NAMES",
    "WAYS_BACK",
    "AdaptationPlan",
    "LambdaPattern",
    "LayerMemory",
    "LayerStep",
    "Pass",
    "Peak",
    "Row",
    "Sine",
    "StepState",
    "Trace",
    "Update",
    "count_cost",
    "describe_pattern",
    "full_like",
    "is_head_alone",
    "lowest_ever",
    "lowest_updated",
    "patterns_to_measure",
    "peak_of_plan",
    "plan_adaptation",
]
