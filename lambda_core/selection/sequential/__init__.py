"""Bounds of means that hold at every number of episodes at once: look, add episodes, look again.

Two kinds. Where many episodes differ, an asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy and
Ramdas 2024, "Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics 52:2613),
made aware of skewness (Hall 1992). Where few do, betting, which assumes nothing but the range of a difference
(Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting", JRSS B 86:1).

Belongs here: the bounds, on plain arrays. Does not: which of the two is asked (`paired_tests`), verdicts. No torch.
"""

from lambda_core.selection.sequential.betting import betting_bound, betting_p
from lambda_core.selection.sequential.mixture import distance, mixture_p
from lambda_core.selection.sequential.skewness import skewed, unskewed

__all__ = ["betting_bound", "betting_p", "distance", "mixture_p", "skewed", "unskewed"]
