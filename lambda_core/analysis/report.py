"""The table that the README shows: per study what was chosen, what it costs in accuracy, and under what conditions.

Everything is computed from the studies' tables by the same code as the app's and `select`'s; no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from lambda_core.analysis.claims import MINIMAL_LOSS, PAPER, RULES, check_claims
from lambda_core.analysis.findings import THRESHOLDS, Findings, findings
from lambda_core.analysis.literature import literature_for
from lambda_core.errors import LambdaError
from lambda_core.formatting import interval, points, signed, times, with_interval
from lambda_core.selection import Choice, Confirmation, PatternGain
from lambda_core.studies import Study

MARKS = {"pass": "✓", "fail": "✗", "undecided": "?"}


def report_table(studies: Iterable[Study], thresholds: Sequence[float] = THRESHOLDS) -> pd.DataFrame:
    """A row a study, for machines: accuracies 0 to 1, degradations and gains in points.

    Columns: study, title, full, full_half, literature (%), then for each threshold t (`_1` for 1 point) pattern_t,
    steps_t, speed_up_t, degradation_t, degradation_low_t, degradation_high_t (validation), test_degradation_t,
    test_low_t, test_high_t, confirmed_t (verdict on test), one_step_…, better_… and the conditions.
    Raises LambdaError for a study that cannot be judged.
    """
    return pd.DataFrame([_record(findings(study, thresholds)) for study in studies])


def as_markdown(studies: Iterable[Study], thresholds: Sequence[float] = THRESHOLDS) -> str:
    """The report in Markdown: choices, gains, the paper's claims and the conditions. A bad study becomes a note."""
    found, notes = _ask_all(studies, thresholds)
    if not found:
        return "\n".join(["No study is measured yet; run lambda-core sweep and lambda-core time.", *notes])
    parts = [
        _choices_text(found),
        _gains_text(found),
        _claims_text(found),
        _conditions_text(found),
        *([] if not notes else ["\n".join(f"- {note}" for note in notes)]),
    ]
    return "\n\n".join(parts)


def short_table(studies: Sequence[Study]) -> str:
    """A few studies in Markdown: accuracy of the full pattern, the choice within 1 point, points lost on test classes.

    Raises LambdaError for a study that cannot be judged.
    """
    found = [findings(study) for study in studies]
    rows = [
        [each.study.title, _share(each.full, each.full_half), _choice(*each.choices[MINIMAL_LOSS])] for each in found
    ]
    return _table(["study", "all layers, test %", "choice, speed-up, points lost"], rows)


def _ask_all(studies: Iterable[Study], thresholds: Sequence[float]) -> tuple[list[Findings], list[str]]:
    found, notes = [], []
    for study in studies:
        try:
            found.append(findings(study, thresholds))
            notes += [f"{study.name}: {warning}" for warning in study.warnings]
        except LambdaError as error:
            notes.append(f"{study.name} is left out: {error}")
    return found, notes


def _record(found: Findings) -> dict[str, Any]:
    study, expected = found.study, literature_for(found.study)
    record: dict[str, Any] = {"study": study.name, "title": study.title}
    record |= {"full": found.full, "full_half": found.full_half, "literature": expected.accuracy if expected else None}
    for threshold, (choice, confirmation) in found.choices.items():
        record |= {f"{name}_{threshold:g}": value for name, value in _chosen(choice, confirmation).items()}
    record |= {f"one_step_{name}": value for name, value in vars(found.one_step).items()}
    if found.better is not None:
        record |= {f"better_{name}": value for name, value in vars(found.better).items()}
    return record | _conditions(found)


def _chosen(choice: Choice, confirmation: Confirmation) -> dict[str, Any]:
    kept = ("pattern", "steps", "lr", "speed_up", "degradation", "degradation_low", "degradation_high")
    return {name: getattr(choice, name) for name in kept} | {
        "test_degradation": confirmation.degradation,
        "test_low": confirmation.low,
        "test_high": confirmation.high,
        "confirmed": confirmation.verdict,
    }


def _conditions(found: Findings) -> dict[str, Any]:
    sweep, about = found.study.sweep_config, found.study.about
    machine = about["timing"].get("environment") or about["environment"]
    return {
        "pretraining": found.study.config.pretrain_epochs or None,
        "iterations": about["iterations_done"],
        "training pattern": found.study.config.pattern,
        "seed": found.study.config.seed,
        "episodes": found.one_step.episodes,
        "queries": sweep.queries if sweep else None,
        "statistics": sweep.query_statistics if sweep else None,
        "device": found.condition.device,
        "threads": found.condition.threads,
        "processor": machine.get("processor"),
        "torch": machine.get("torch"),
    }


def _choices_text(found: list[Findings]) -> str:
    thresholds = list(found[0].choices)
    header = ["study", "full, test %", "literature %", *(f"within {points(threshold)}" for threshold in thresholds)]
    rows = [
        [f"{each.study.title} (`{each.study.name}`)", _share(each.full, each.full_half), _expected(each.study)]
        + [_choice(*each.choices[threshold]) for threshold in thresholds]
        for each in found
    ]
    legend = (
        "Chosen on validation classes: pattern × steps, **speed-up** over the full pattern at the study's own steps, "
        "points lost on test classes (95 % interval; − is a gain), ✓ confirmed there, ✗ refuted, ? undecided."
    )
    return f"{_table(header, rows)}\n\n{legend}"


def _gains_text(found: list[Findings]) -> str:
    header = ["study", "full after 1 step, %", "best pattern after 1 step", "best pattern that beats full"]
    rows = [
        [
            f"`{each.study.name}`",
            _share(each.one_step.full_accuracy, each.one_step.full_accuracy_high - each.one_step.full_accuracy),
            _gain(each.one_step),
            "none shown" if each.better is None else _gain(each.better),
        ]
        for each in found
    ]
    legend = (
        "Picked on validation classes; points above the full pattern at the same step count, on test classes (95 % "
        "interval); ✓ shown to be better."
    )
    return f"{_table(header, rows)}\n\n{legend}"


def _claims_text(found: list[Findings]) -> str:
    told: dict[tuple[str, str], list[str]] = {}
    for held in check_claims(found):
        told.setdefault((held.claim, held.outcome), []).append(f"`{held.study}` {held.measured}")
    rows = [[claim, f"**{outcome}**", "; ".join(studies)] for (claim, outcome), studies in told.items()]
    return f"### Claims of {PAPER}\n\n{_table(['claim', 'outcome', 'studies'], rows)}\n\n{RULES}"


def _conditions_text(found: list[Findings]) -> str:
    records = [{"study": each.study.name} | _conditions(each) for each in found]
    rows = [["–" if value is None else str(value) for value in record.values()] for record in records]
    return f"### Conditions\n\n{_table(list(records[0]), rows)}"


def _choice(choice: Choice, confirmation: Confirmation) -> str:
    if choice.is_reference:
        return "full: nothing faster passes"
    loss = with_interval(confirmation.degradation, confirmation.low, confirmation.high)
    return f"`{choice.pattern}` × {choice.steps}: **{times(choice.speed_up)}**, {loss} {MARKS[confirmation.verdict]}"


def _gain(gain: PatternGain) -> str:
    shown = "✓" if gain.better else "?"
    between = interval(gain.gain_low, gain.gain_high)
    return f"`{gain.pattern}` × {gain.steps}: {signed(gain.gain)} ({between}) {shown}"


def _expected(study: Study) -> str:
    expected = literature_for(study)
    return "–" if expected is None else f"{expected.accuracy} ± {expected.margin} ({expected.source})"


def _share(accuracy: float, half: float) -> str:
    return f"{100 * accuracy:.1f} ± {100 * half:.1f}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
