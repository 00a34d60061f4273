"""What an audit of the choices found, counted again by the rules of before and now: python -m benchmarks.audit

Prints a table and writes benchmarks/results/audit.json; `python -m benchmarks.readme` puts it into docs/choices.md.
Rates under looking again come from benchmarks/results/calibration.json.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import click
import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from benchmarks.calibration.replays import half_of
from benchmarks.calibration.tables import pooled
from benchmarks.calibration.worlds import Floats, all_worse, ours, play
from benchmarks.choices import THRESHOLDS
from benchmarks.earlier_rule import earlier_row, passes_by_t_tests
from benchmarks.records import RESULTS
from lambda_core.analysis import compare_study, full_accuracy, study_gain
from lambda_core.analysis.claims import skipping_alone
from lambda_core.selection import (
    SLOWER,
    Candidate,
    ClassEffects,
    Comparison,
    PairedDifference,
    Populations,
    SelectionSettings,
    candidate_index,
    episode_matrix,
)
from lambda_core.studies import Study, list_studies, studies_root
from lambda_core.system import write_json

FEW = 30
Row = tuple[str, str, str]
Chooser = Callable[[Comparison, float], int]


def now_row(comparison: Comparison, threshold: float) -> int:
    row = comparison.row_at(threshold, 0.95)
    assert row is not None  # only a limit of memory leaves nothing
    return row


def now_passes(comparison: Comparison, threshold: float) -> NDArray[np.bool_]:
    passing: NDArray[np.bool_] = comparison.bounds_at(0.95)[1] <= threshold
    return passing


@click.command()
def main() -> None:
    studies = [study for study in list_studies(studies_root())[0] if study.measured and study.metadata.domain is None]
    rows = [*of_choices(studies), *of_rates(), *of_gains(studies), *of_populations(studies), *of_speed(studies)]
    for row in rows:
        click.echo(" | ".join(row))
    write_json(RESULTS / "audit.json", {"studies": len(studies), "rows": rows})


def of_choices(studies: list[Study]) -> Iterator[Row]:
    comparisons = [compare_study(study, SelectionSettings()) for study in studies]
    asked = [(comparison, threshold) for comparison in comparisons for threshold in THRESHOLDS]
    slow = [
        sum(_slower(comparison, chooser(comparison, at), passing(comparison, at)) > zone for comparison, at in asked)
        for chooser, passing, zone in ((earlier_row, _earlier_passes, 1e-9), (now_row, now_passes, SLOWER + 1e-9))
    ]
    what = "choices slower in paired rounds than the fastest that passes by the same rule"
    yield what, f"{slow[0]} of {len(asked)}", f"{slow[1]} by more than the stated 3 %"
    back = [sum(_goes_back(comparison, chooser) for comparison in comparisons) for chooser in (earlier_row, now_row)]
    yield "studies where a larger threshold of 51 gives a slower choice", *map(str, back)
    rare = [sum(_is_rare(comparison, chooser(comparison, at)) for comparison, at in asked)
            for chooser in (earlier_row, now_row)]  # fmt: skip
    yield (
        f"choices that rest on fewer than {FEW} episodes that differ from the full pattern",
        f"{rare[0]}, by t tests",
        f"{rare[1]}, by bounds that assume only the range",
    )


def of_rates() -> Iterator[Row]:
    few = replace(all_worse(0.5, 31), episodes=5, level=0.987, near_ceiling=True)
    errors = [play(few, 0.5, 0.95, 1300, seed=5, rule=rule).error for rule in (_earlier_rule, ours)]
    what = "tables of 5 episodes near 99 %, 31 candidates, all just too bad, where one passes (simulated)"
    yield what, *(f"{100 * error:.0f} %" for error in errors)
    record = json.loads((RESULTS / "calibration.json").read_text(encoding="utf-8"))
    worlds = {"all just worse than 1 point": (1, 2, 6), "each just worse than one of 51 thresholds": (1,)}
    for world, looks in worlds.items():
        for count in looks:
            told = "one look" if count == 1 else f"{count - 1} extensions" if count > 2 else "one extension"
            yield (f"anything false passes, {world}, {told} (%)", *(pooled(record, world, rule, count)
                                                                   for rule in ("before", "now")))  # fmt: skip


def of_gains(studies: list[Study]) -> Iterator[Row]:
    gains = [study_gain(study, SelectionSettings()) for study in studies]
    before = sum(_marked_beside_zero(gain.paired) for gain in gains)
    corrected = [gain.among(len(gains)) for gain in gains]
    now = sum(gain.better and gain.gain.low < 0 for gain in corrected)
    yield "✓ of one step beside an interval that contains zero", str(before), str(now)
    chance = 100 * (1 - 0.95 ** len(gains))
    yield f"chance of a false ✓ of one step among {len(gains)} studies", f"{chance:.0f} %", "5 % at most"


def of_populations(studies: list[Study]) -> Iterator[Row]:
    ratios = np.concatenate([_wider(study) for study in studies if study.config.dataset == "cifar-fs"])
    wider = f"{np.median(ratios):.1f} times in the median, up to {ratios.max():.1f}"
    yield f"standard error of points lost, new classes over new episodes, CIFAR-FS: {wider}", "unsaid", "both told"
    study = next(study for study in studies if study.name == "cifar-fs-5w1s")
    own, classes = full_accuracy(study), _accuracy_for_classes(study)
    yield (
        f"`{study.name}`, all layers, test classes",
        f"{100 * own.estimate:.1f} ± {100 * own.half_width:.1f} %",
        f"± {100 * own.half_width:.1f} for new episodes, ± {classes:.1f} for new classes",
    )


def of_speed(studies: list[Study]) -> Iterator[Row]:
    total = len(studies) * len(THRESHOLDS)
    choices = [compare_study(study, SelectionSettings()).choose(at) for study in studies for at in THRESHOLDS]
    near = min(choice.near_fastest for choice in choices)
    yield "speed-ups with an interval", f"0 of {total}", f"{total} of {total}"
    yield "least chance that a choice is within 5 % of the fastest that passes", "unsaid", f"{100 * near:.0f} %"
    alone = [skipping_alone(study, "1".zfill(len(study.layers))) for study in studies]
    found = sorted(each for each in alone if each is not None)
    told = f"{found[0]:.1f} to {found[-1]:.1f} times"
    what = f"the head alone by skipping gradients, without restart, in multiply-adds: {told}"
    yield what, "part of one claim", "a claim of its own"


def _earlier_passes(comparison: Comparison, threshold: float) -> NDArray[np.bool_]:
    passing: NDArray[np.bool_] = passes_by_t_tests(comparison.degradation, threshold, reference=comparison.reference)
    return passing


def _earlier_rule(seen: Floats, threshold: float, confidence: float) -> NDArray[np.bool_]:
    return np.array([passes_by_t_tests(PairedDifference.of(world), threshold, confidence) for world in seen])


def _slower(comparison: Comparison, row: int, passing: NDArray[np.bool_]) -> float:
    """By which share the row costs more than the cheapest that passes."""
    cost = comparison.speed_ups.cost
    return float(cost[row] / cost[passing | (np.arange(len(cost)) == comparison.reference)].min() - 1)


def _goes_back(comparison: Comparison, chooser: Chooser) -> bool:
    costs = [comparison.speed_ups.cost[chooser(comparison, tenth / 10)] for tenth in range(51)]
    return bool((np.diff(costs) > 1e-12).any())


def _is_rare(comparison: Comparison, row: int) -> bool:
    return row != comparison.reference and bool(comparison.degradation.differing[row] < FEW)


def _marked_beside_zero(paired: PairedDifference) -> bool:
    """One-sided p value of a t test below 5 %, two-sided interval around zero."""
    mean, error = paired.mean.item(), paired.error.item()
    shown = error > 0 and stdtr(paired.episodes - 1, -mean / error) <= 0.05
    return bool(shown and mean - paired.half_width(0.95).item() < 0)


def _wider(study: Study) -> Floats:
    half = half_of(study, "test")
    seen = [Populations.of(lost[None], half.classes) for lost in half.lost if lost.any()]
    ratios = [_ratio(each, each.of_classes) for each in seen if each.of_classes is not None]
    return np.array(ratios)


def _ratio(seen: Populations, of: ClassEffects) -> float:
    """By the variances as they are estimated, without the caution of the interval."""
    variance = of.share * of.between_classes + of.rest / seen.counted_episodes
    return float(np.sqrt(variance * seen.counted_episodes / seen.episode_variance))


def _accuracy_for_classes(study: Study) -> float:
    """Half of the interval for new classes of the full pattern's accuracy, points."""
    candidates, matrix = episode_matrix(study.split("test"))
    full = Candidate("1" * len(study.layers), study.config.steps, study.config.lr)
    seen = Populations.of(100 * matrix[candidate_index(candidates, full)][None], study.classes("test"))
    assert seen.classes is not None
    return seen.classes.half_width


if __name__ == "__main__":
    main()
