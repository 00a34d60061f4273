"""docs/promise.svg: how often a too bad pattern is chosen, and how often the best one is found, by episodes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.calibration.worlds import Rule, Tally, all_worse, ladder, mean_within, one_good, ours, play, uncorrected
from benchmarks.drawing import pyplot

FIGURE = Path(__file__).parents[2] / "docs" / "promise.svg"
CANDIDATES = 310
EPISODES = (20, 50, 100, 200, 400, 600, 1000)
RULES: dict[str, Rule] = {
    "bounds for all at once (ours)": ours,
    "paired test, uncorrected": uncorrected,
    "mean within the threshold": mean_within,
}
LOSSES = (0.0, 0.3, 0.6, 0.8)
Lines = dict[str, list[float]]


def simulate(draws: int) -> tuple[Lines, Lines, Lines]:
    """Shares by number of episodes: errors by rule, power by the true loss, errors where all are worse."""
    errors = {name: [_ladder(n, draws, rule).error for n in EPISODES] for name, rule in RULES.items()}
    powers = {f"{loss:g} points": [_good(loss, n, draws).power for n in EPISODES] for loss in LOSSES}
    hardest = {
        "hardest world": [_hardest(n, draws).error for n in EPISODES],
        "hardest world, near 99 %": [_hardest(n, draws, near_ceiling=True, level=0.987).error for n in EPISODES],
    }
    return errors, powers, hardest


def draw(errors: Lines, powers: Lines) -> None:
    plt = pyplot(10)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    _lines(left, errors, "How often a too bad pattern is chosen", ["#0b6e4f", "#c77700", "#b3261e"])
    left.axhline(5, color="#555", linestyle=":", linewidth=1.2)
    left.annotate("promise: 5 %", (21, 7), color="#333")
    shades = ["#08306b", "#2171b5", "#6baed6", "#969696"]
    _lines(right, powers, "How often the fastest admissible pattern is found", shades)
    right.legend(title="its true loss (allowed: 1 point)", frameon=False)
    figure.savefig(FIGURE, metadata={"Date": None})


def _ladder(episodes: int, draws: int, rule: Rule) -> Tally:
    return play(replace(ladder(CANDIDATES), episodes=episodes), 1.0, 0.95, draws, seed=episodes, rule=rule)


def _good(loss: float, episodes: int, draws: int) -> Tally:
    return play(replace(one_good(1.0, CANDIDATES, loss), episodes=episodes), 1.0, 0.95, draws, seed=episodes)


def _hardest(episodes: int, draws: int, **world: Any) -> Tally:
    """All candidates are just too bad, their errors independent; more draws, since the rate is near the promise."""
    hard = replace(all_worse(2.0, CANDIDATES), episodes=episodes, correlation=0.0, **world)
    return play(hard, 2.0, 0.95, 3 * draws, seed=episodes)


def _lines(axes: Any, lines: Lines, title: str, colours: list[str]) -> None:
    for (name, values), colour, marker in zip(lines.items(), colours, "o^sD", strict=False):
        axes.plot(EPISODES, [100 * v for v in values], marker=marker, color=colour, label=name)
    axes.set(xscale="log", xlabel="episodes", ylabel="selections, %", ylim=(-3, 103), title=title)
    axes.set_xticks(EPISODES, [str(n) for n in EPISODES], minor=False)
    axes.minorticks_off()
    axes.legend(frameon=False)
