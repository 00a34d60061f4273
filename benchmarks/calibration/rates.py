"""A rate that is counted, and what a count of so many draws can tell."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import beta, binom


@dataclass(frozen=True)
class Rate:
    """So many of so many. low, high: the exact 95 % interval of Clopper and Pearson (1934)."""

    count: int
    draws: int

    @property
    def share(self) -> float:
        return self.count / self.draws

    @property
    def low(self) -> float:
        return float(beta.ppf(0.025, self.count, self.draws - self.count + 1)) if self.count else 0.0

    @property
    def high(self) -> float:
        return float(beta.ppf(0.975, self.count + 1, self.draws - self.count)) if self.count < self.draws else 1.0

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.count + other.count, self.draws + other.draws)

    def __str__(self) -> str:
        return f"{100 * self.share:.1f} ({100 * self.low:.1f} … {100 * self.high:.1f})"


def most_allowed(rate: float, draws: int, alarm: float = 0.001) -> int:
    """The largest count that is no alarm; where `rate` is true more is seen with a chance of at most `alarm`."""
    return int(binom.ppf(1 - alarm, draws, rate))


def power(rate: float, truly: float, draws: int) -> float:
    """The chance of an alarm by `most_allowed` where the rate is truly another."""
    return float(binom.sf(most_allowed(rate, draws), draws, truly))
