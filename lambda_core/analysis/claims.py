"""The claims of the paper on Lambda patterns, held against studies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lambda_core.formatting import interval, number, signed, times

if TYPE_CHECKING:
    from lambda_core.analysis.findings import Findings


Outcome = Literal["reproduced", "beaten", "not reproduced"]


PAPER = "Khabarlak 2022, arXiv 2206.05930"


PAPER_SPEED_UP = 3.0


SAME = 0.1  # a speed-up within a tenth of the paper's is reproduced, not beaten


MINIMAL_LOSS = 1.0  # points; the paper says "minimal"


SUBSTANTIAL_GAIN = 3.0  # points; the paper says "substantially"


TOLD = {"pass": "", "fail": ", refuted", "undecided": ", not confirmed"}


RULES = (
    f"**Rules.** All numbers are of test classes. Faster: speed-up and points lost of the choice at {MINIMAL_LOSS:g} "
    f"point, if confirmed; reproduced from {(1 - SAME) * PAPER_SPEED_UP:.1f}×, beaten above "
    f"{(1 + SAME) * PAPER_SPEED_UP:.1f}×. One step: how far the best pattern, picked on validation classes, is above "
    f"the full one (95 % interval); reproduced where it is shown to be better, by {SUBSTANTIAL_GAIN:g} points or more "
    "in the mean. Selection: reproduced where every choice is confirmed and at least one is faster than full."
)


@dataclass(frozen=True)
class ClaimOutcome:
    """A claim of the paper held against one study."""

    claim: str
    study: str
    measured: str
    outcome: Outcome


def check_claims(findings: Iterable[Findings]) -> list[ClaimOutcome]:
    """The paper's three claims against every study, in order of claim."""
    found = list(findings)
    return [claim(each) for claim in (_faster, _one_step, _selection) for each in found]


def _faster(found: Findings) -> ClaimOutcome:
    choice, confirmation = found.choices[MINIMAL_LOSS]
    told = f"{times(choice.speed_up)} at {number(confirmation.degradation)} points lost{TOLD[confirmation.verdict]}"
    outcome: Outcome = "not reproduced"
    if confirmation.verdict == "pass" and choice.speed_up >= (1 - SAME) * PAPER_SPEED_UP:
        outcome = "beaten" if choice.speed_up > (1 + SAME) * PAPER_SPEED_UP else "reproduced"
    return ClaimOutcome("adaptation 3× faster at minimal loss", found.study.name, told, outcome)


def _one_step(found: Findings) -> ClaimOutcome:
    step = found.one_step
    told = f"`{step.pattern}` {signed(step.gain)} ({interval(step.gain_low, step.gain_high)})"
    shown = step.better and step.gain >= SUBSTANTIAL_GAIN
    return ClaimOutcome(
        "one-step accuracy substantially improved", found.study.name, told, "reproduced" if shown else "not reproduced"
    )


def _selection(found: Findings) -> ClaimOutcome:
    verdicts = [confirmation.verdict for _, confirmation in found.choices.values()]
    faster = any(not choice.is_reference for choice, _ in found.choices.values())
    told = f"{verdicts.count('pass')} of {len(verdicts)} confirmed"
    held = faster and set(verdicts) == {"pass"}
    return ClaimOutcome(
        "fastest pattern selected within a loss", found.study.name, told, "reproduced" if held else "not reproduced"
    )
