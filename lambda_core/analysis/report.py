"""The tables of docs/results.md: per study what was chosen, what it costs in accuracy, and under what conditions.

Everything is computed from the studies' tables by the same code as the app's and `select`'s. No torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from lambda_core.analysis.claims import check_claims, prespecified, rules_text
from lambda_core.analysis.domains import Domain, domains_of
from lambda_core.analysis.findings import MINIMAL_DEGRADATION, THRESHOLDS, Findings, ask_study
from lambda_core.analysis.literature import literature_for
from lambda_core.analysis.pairs import PAIRED, pairs_beside_first, pairs_table
from lambda_core.analysis.profiles import POINTS, losses, profile
from lambda_core.analysis.reach import WHOM, describe_undecided, reach_table
from lambda_core.errors import LambdaError
from lambda_core.formatting import interval, kilobytes, points, signed, times, with_interval
from lambda_core.selection import Choice, Confirmation, Interval, PatternGain, SelectionSettings
from lambda_core.studies import Study

ELSEWHERE = 2.0  # points that a choice on other images may lose: there is more to lose there
MARKS = {"pass": "✓", "fail": "✗", "undecided": "?"}


def report_table(studies: Iterable[Study], thresholds: Sequence[float] = THRESHOLDS) -> pd.DataFrame:
    """A row a study, for machines: accuracies 0 to 1, degradations and gains in points.

    Columns: study, title, full, full_half, literature (%), then for each threshold t (`_1` for 1 point) pattern_t,
    steps_t, speed_up_t, degradation_t, degradation_low_t, degradation_high_t (validation), test_degradation_t,
    test_low_t, test_high_t, confirmed_t (verdict on test), one_step_…, better_… and the conditions.
    Raises LambdaError for a study that cannot be judged.
    """
    return pd.DataFrame([_record(ask_study(study, thresholds)) for study in studies])


def as_markdown(studies: Iterable[Study], thresholds: Sequence[float] = THRESHOLDS) -> str:
    """The report in Markdown: choices, gains, the paper's claims and the conditions. A bad study becomes a note.

    thresholds: points.
    """
    findings, notes = _ask_all(studies, thresholds)
    if not findings:
        return "\n".join(["No study is measured yet; run lambda-core sweep and lambda-core time.", *notes])
    parts = [
        _choices_text(findings),
        _gains_text(findings),
        _reach_text(findings),
        *_pairs_text([each.study for each in findings]),
        _profile_text([each.study for each in findings]),
        *_memory_text(findings),
        *_domains_text([each.study for each in findings]),
        _claims_text([each for each in findings if each.study.metadata.domain is None]),
        _conditions_text(findings),
        *([] if not notes else ["\n".join(f"- {note}" for note in notes)]),
    ]
    return "\n\n".join(parts)


def claims_markdown(studies: Iterable[Study]) -> str:
    """The paper's claims alone, in Markdown."""
    findings, notes = _ask_all(studies, THRESHOLDS)
    return "\n\n".join([_claims_text(findings), *notes])


def claims_records(studies: Iterable[Study]) -> list[dict[str, str]]:
    """The paper's claims, a row a claim and study: claim, study, measured (in words), outcome. Fit for JSON."""
    return [vars(outcome) for outcome in check_claims([ask_study(study) for study in studies])]


def short_table(studies: Sequence[Study]) -> str:
    """A few studies in Markdown: accuracy of the full pattern, the choice within 1 point, points lost on test classes.

    Raises LambdaError for a study that cannot be judged.
    """
    rows = [
        [each.study.title, _share(each.full), _choice(*each.choices[MINIMAL_DEGRADATION])]
        for each in map(ask_study, studies)
    ]
    return _table(["study", "all layers, test %", "choice, speed-up, points lost"], rows)


def _ask_all(studies: Iterable[Study], thresholds: Sequence[float]) -> tuple[list[Findings], list[str]]:
    """What the studies say, and notes on those that cannot answer or must be read with care."""
    findings, notes = [], []
    for study in studies:
        try:
            findings.append(ask_study(study, thresholds))
            notes += [f"{study.name}: {warning}" for warning in study.warnings]
        except LambdaError as error:
            notes.append(f"{study.name} is left out: {error}")
    return findings, notes


def _record(findings: Findings) -> dict[str, Any]:
    study, expected = findings.study, literature_for(findings.study)
    record: dict[str, Any] = {
        "study": study.name,
        "title": study.title,
        "full": findings.full.estimate,
        "full_half": findings.full.half_width,
        "literature": expected.accuracy if expected else None,
    }
    for threshold, (choice, confirmation) in findings.choices.items():
        record |= {f"{name}_{threshold:g}": value for name, value in _chosen(choice, confirmation).items()}
    record |= {f"one_step_{name}": value for name, value in findings.one_step.as_dict().items()}
    if findings.better is not None:
        record |= {f"better_{name}": value for name, value in findings.better.as_dict().items()}
    return record | _conditions(findings)


def _chosen(choice: Choice, confirmation: Confirmation) -> dict[str, Any]:
    return {
        **vars(choice.candidate),
        "speed_up": choice.speed_up,
        **choice.degradation.as_dict("degradation"),
        "test_degradation": confirmation.degradation.estimate,
        "test_low": confirmation.degradation.low,
        "test_high": confirmation.degradation.high,
        "confirmed": confirmation.verdict,
    }


def _conditions(findings: Findings) -> dict[str, Any]:
    config, metadata, sweep = findings.study.config, findings.study.metadata, findings.study.sweep_config
    return {
        "pretraining": config.pretrain_epochs or None,
        "iterations": metadata.iterations_done,
        "training pattern": config.pattern,
        "seed": config.seed,
        "episodes": findings.one_step.episodes,
        "queries": sweep.queries if sweep else None,
        "statistics": sweep.query_statistics if sweep else None,
        "device": findings.condition.device,
        "threads": findings.condition.threads,
        "processor": findings.condition.processor,
        "torch": metadata.timed_with.torch,
    }


def _choices_text(findings: list[Findings]) -> str:
    thresholds = list(findings[0].choices)
    header = ["study", "full, test %", "literature %", *(f"within {points(threshold)}" for threshold in thresholds)]
    rows = [
        [f"{each.study.title} (`{each.study.name}`)", _share(each.full), _expected(each.study)]
        + [_choice(*each.choices[threshold]) for threshold in thresholds]
        for each in findings
    ]
    legend = (
        "Chosen on validation classes: pattern × steps, **speed-up** over the full pattern at the study's own steps, "
        "points lost on test classes (each end 95 %; − is a gain), ✓ confirmed there, ✗ refuted, ? undecided."
    )
    return f"{_table(header, rows)}\n\n{legend}"


def _gains_text(findings: list[Findings]) -> str:
    header = ["study", "full after 1 step, %", "best pattern after 1 step", "best pattern that beats full"]
    count = len(findings)
    rows = [
        [
            f"`{each.study.name}`",
            _share(each.one_step.full),
            _gain(each.one_step.among(count)),
            "none shown" if each.better is None else _gain(each.better.among(count)),
        ]
        for each in findings
    ]
    legend = (
        "Picked on validation classes; points above the full pattern at the same step count, for new episodes of the "
        f"test classes (each end 95 % for all {count} studies of a column at once); ✓ shown to be better."
    )
    return f"{_table(header, rows)}\n\n{legend}"


def _reach_text(findings: list[Findings]) -> str:
    whoms = [f"for {whom}" for whom in WHOM]
    header = ["study", "choice", *whoms, "would decide it for the last", "within 5 % of the fastest"]
    rows = reach_table([(each.study, each.choices[MINIMAL_DEGRADATION][0]) for each in findings])
    notes = [
        f"- `{each.study.name}`: {line}"
        for each in findings
        for line in describe_undecided(each.study, *each.choices[MINIMAL_DEGRADATION])
    ]
    legend = (
        "Points that the choice within 1 point loses on test classes, each with its own 95 % interval, uncorrected: "
        "the mean over new episodes of the same classes, over new classes, over new trainings of the same recipe (only "
        "where several were made). What would decide: about how many there would have to be, if that alone grew. Last: "
        "the chance that the choice is within 5 % of the fastest that passes, for new rounds on the same machine."
    )
    parts = ["### For whom the choices hold", _table(header, rows), legend, "\n".join(notes)]
    return "\n\n".join(part for part in parts if part)


def _memory_text(findings: list[Findings]) -> list[str]:
    header = ["study", "all layers, kB", "choice within 1 point, kB", "of it weights, kept, workspace"]
    rows = []
    for each in findings:
        choice, _ = each.choices[MINIMAL_DEGRADATION]
        full = each.study.peak(choice.reference.pattern, choice.reference.steps)
        own = each.study.peak(choice.pattern, choice.steps)
        if full is not None and own is not None:
            parts = ", ".join(map(_kilobytes, (own.weights, own.kept, own.workspace)))
            chosen = f"`{choice.pattern}` × {choice.steps}: {_kilobytes(own.total)}"
            rows.append([f"`{each.study.name}`", _kilobytes(full.total), chosen, parts])
    legend = "The most that lives at once from support set to adapted weights, counted; the support set is not in it."
    return [f"### Memory\n\n{_table(header, rows)}\n\n{legend}"] if rows else []


def _domains_text(studies: list[Study]) -> list[str]:
    text = domains_table(studies)
    return [f"### On other images\n\n{text}"] if text else []


def domains_table(studies: Sequence[Study], threshold: float = ELSEWHERE) -> str:
    """Studies on other images than their model's own, in Markdown; empty where there are none."""
    header = ["model, other images", "all layers, test %", "the choice from home, points lost there",
              "chosen there, speed-up, points lost", "beats the one from home in"]  # fmt: skip
    rows = [
        [each.study.title, f"{100 * each.confirmation.reference_accuracy:.1f}", _from_home(each),
         _choice(each.own, each.confirmation), each.beats_home or "neither is shown"]
        for each in domains_of(studies, SelectionSettings(threshold))
    ]  # fmt: skip
    if not rows:
        return ""
    legend = (
        f"Both choices within {points(threshold)}, each on validation classes of its own images; points lost against "
        "all layers on test classes of the other images (each end 95 %; − is a gain), ✓ confirmed there, ✗ refuted, "
        "? undecided."
    )
    return f"{_table(header, rows)}\n\n{legend}"


def _from_home(domain: Domain) -> str:
    chosen = f"`{domain.home.pattern}` × {domain.home.steps}"
    if domain.there is None:
        return f"{chosen}: not measured"
    return f"{chosen}: {with_interval(*domain.there.degradation)} {MARKS[domain.there.verdict]}"


def _kilobytes(count: int) -> str:
    return kilobytes(count).removesuffix(" kB")


def _pairs_text(studies: list[Study]) -> list[str]:
    """Studies that share test episodes, beside the one with most episodes; nothing where none do."""
    longest = sorted(studies, key=lambda study: -len(study.scores("test").episodes))
    pairs = pairs_beside_first(longest, SelectionSettings())
    if not pairs:
        return []
    table = _table(["study", "beside", "episodes in common", *PAIRED], pairs_table(pairs))
    legend = (
        "Points of accuracy above the other study on the same test episodes, compared episode by episode, for new "
        f"episodes of these classes with these two models; each end 95 % for all {len(pairs) * len(PAIRED)} at once."
    )
    return [f"### Studies on the same episodes\n\n{table}\n\n{legend}"]


def _profile_text(studies: list[Study]) -> str:
    found = profile(losses(studies, SelectionSettings()))
    header = ["studies that lose at most", *(points(each) for each in POINTS)]
    texts = [f"{100 * share:.0f} % ({100 * shown:.0f} %)" for share, shown in found[["share", "shown"]].to_numpy()]
    count = len(POINTS)
    rows = [[rule, *texts[place * count :][:count]] for place, rule in enumerate(found["rule"].unique())]
    legend = (
        f"Share of these {len(studies)} studies, by points lost on test classes beside all layers at their own steps, "
        "in the mean; in brackets by the bound that holds with 95 % for each study by itself, for new episodes of "
        "these classes with this model. The choice is that within 1 point."
    )
    return f"### How many studies lose how much\n\n{_table(header, rows)}\n\n{legend}"


def _claims_text(findings: list[Findings]) -> str:
    studies: dict[tuple[str, str], list[str]] = {}
    for claim in check_claims(findings):
        outcome = f"excluded: {claim.measured}" if claim.outcome == "excluded" else f"**{claim.outcome}**"
        told = f"`{claim.study}`" if claim.outcome == "excluded" else f"`{claim.study}` {claim.measured}"
        studies.setdefault((claim.claim, outcome), []).append(told)
    rows = [[claim, outcome, "; ".join(texts)] for (claim, outcome), texts in studies.items()]
    table = _table(["claim", "outcome", "studies"], rows)
    return f"### Claims of {prespecified()['paper']}\n\n{table}\n\n{rules_text()}"


def _conditions_text(findings: list[Findings]) -> str:
    records = [{"study": each.study.name} | _conditions(each) for each in findings]
    rows = [["–" if value is None else str(value) for value in record.values()] for record in records]
    return f"### Conditions\n\n{_table(list(records[0]), rows)}"


def _choice(choice: Choice, confirmation: Confirmation) -> str:
    if choice.is_reference:
        return "full: nothing faster passes"
    degradation = f"{with_interval(*confirmation.degradation)} {MARKS[confirmation.verdict]}"
    return f"`{choice.pattern}` × {choice.steps}: **{times(choice.speed_up)}**, {degradation}"


def _gain(gain: PatternGain) -> str:
    mark = MARKS["pass" if gain.better else "undecided"]
    estimate, low, high = gain.gain
    return f"`{gain.pattern}` × {gain.steps}: {signed(estimate)} ({interval(low, high)}) {mark}"


def _expected(study: Study) -> str:
    expected = literature_for(study)
    return "–" if expected is None else f"{expected.accuracy} ± {expected.margin} ({expected.source})"


def _share(accuracy: Interval) -> str:
    return f"{100 * accuracy.estimate:.1f} ± {100 * accuracy.half_width:.1f}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
