"""The claims of the paper on Lambda patterns, held against studies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lambda_core.analysis.findings import MINIMAL_DEGRADATION, Findings
from lambda_core.formatting import interval, number, signed, times

Outcome = Literal["reproduced", "beaten", "not reproduced"]
PAPER = "Khabarlak 2022, arXiv 2206.05930"
PAPER_SPEED_UP = 3.0
SAME = 0.1  # a speed-up within a tenth of the paper's is reproduced, not beaten
SUBSTANTIAL_GAIN = 3.0  # points; the paper says "substantially"
REMARKS = {"pass": "", "fail": ", refuted", "undecided": ", not confirmed"}
RULES = (
    "**Rules.** All numbers are of test classes. Faster: speed-up and points lost of the choice at "
    f"{MINIMAL_DEGRADATION:g} point, if confirmed; reproduced from {(1 - SAME) * PAPER_SPEED_UP:.1f}×, beaten above "
    f"{(1 + SAME) * PAPER_SPEED_UP:.1f}×. One step: how far the best pattern, picked on validation classes, is above "
    f"the full one (95 % interval); reproduced where it is shown to be better, by {SUBSTANTIAL_GAIN:g} points or more "
    "in the mean. Selection: reproduced where every choice is confirmed and at least one is faster than full."
)


@dataclass(frozen=True)
class ClaimOutcome:
    """A claim of the paper held against one study. measured: the study's numbers, in words."""

    claim: str
    study: str
    measured: str
    outcome: Outcome


def check_claims(findings: Iterable[Findings]) -> list[ClaimOutcome]:
    """The paper's three claims against every study, in order of claim."""
    studies = list(findings)
    return [claim(study) for claim in (_faster, _one_step, _selection) for study in studies]


def _faster(findings: Findings) -> ClaimOutcome:
    choice, confirmation = findings.choices[MINIMAL_DEGRADATION]
    degradation = f"{number(confirmation.degradation.estimate)} points lost{REMARKS[confirmation.verdict]}"
    outcome: Outcome = "not reproduced"
    if confirmation.verdict == "pass" and choice.speed_up >= (1 - SAME) * PAPER_SPEED_UP:
        outcome = "beaten" if choice.speed_up > (1 + SAME) * PAPER_SPEED_UP else "reproduced"
    return ClaimOutcome(
        claim="adaptation 3× faster at minimal loss",
        study=findings.study.name,
        measured=f"{times(choice.speed_up)} at {degradation}",
        outcome=outcome,
    )


def _one_step(findings: Findings) -> ClaimOutcome:
    best, gain = findings.one_step, findings.one_step.gain
    shown = best.better and gain.estimate >= SUBSTANTIAL_GAIN
    return ClaimOutcome(
        claim="one-step accuracy substantially improved",
        study=findings.study.name,
        measured=f"`{best.pattern}` {signed(gain.estimate)} ({interval(gain.low, gain.high)})",
        outcome="reproduced" if shown else "not reproduced",
    )


def _selection(findings: Findings) -> ClaimOutcome:
    verdicts = [confirmation.verdict for _, confirmation in findings.choices.values()]
    faster = any(not choice.is_reference for choice, _ in findings.choices.values())
    shown = faster and set(verdicts) == {"pass"}
    return ClaimOutcome(
        claim="fastest pattern selected within a loss",
        study=findings.study.name,
        measured=f"{verdicts.count('pass')} of {len(verdicts)} confirmed",
        outcome="reproduced" if shown else "not reproduced",
    )
