"""Racing: episodes are spent where they decide. The fastest candidate shown to stay within a threshold, for fewer runs.

Candidates run in order of cost, the fastest few at a time, and are looked at after 1/32, 1/16, … 1/2 and all of the
episodes. One that passes ends the race of every slower one; one that is unlikely to pass any more is dropped.

The error rate under repeated looks is kept by bounds that hold at every number of episodes (`sequential`), the same as
those of an exhaustive selection: a candidate's p value is the least of its looks'. Over the candidates that are cheaper
than the reference Bonferroni corrects. Dropping (`futility`) only raises p values, so it costs power at most, never
the promise.

Belongs here: who races, when it is looked at, what is said of the outcome. Does not: how a candidate runs (`Runner`).
No torch.
"""

from lambda_core.selection.racing.entrants import Entrants, Runner, replay
from lambda_core.selection.racing.outcome import (
    ExhaustiveChoice,
    Race,
    against_exhaustive,
    confirm_race,
    describe_race,
)
from lambda_core.selection.racing.rounds import race

__all__ = [
    "Entrants",
    "ExhaustiveChoice",
    "Race",
    "Runner",
    "against_exhaustive",
    "confirm_race",
    "describe_race",
    "race",
    "replay",
]
