"""What the literature says of MAML with 4-CONV, and what the paper on Lambda patterns claims, held against studies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lambda_core.study import Study
from lambda_core.words import interval, number, signed, times

if TYPE_CHECKING:
    from lambda_core.report import Findings

Outcome = Literal["reproduced", "beaten", "not reproduced"]


@dataclass(frozen=True)
class Literature:
    """An accuracy of full MAML with 4-CONV in %, with its half-width, and where it was read."""

    accuracy: float
    margin: float
    source: str


R2D2 = "R2D2 paper, via ArnoutDevos/maml-cifar-fs"
FINN = "Finn et al. 2017, via tristandeleu/pytorch-maml"
LITERATURE = {
    ("cifar-fs", 5, 1): Literature(58.9, 1.9, R2D2),
    ("cifar-fs", 5, 5): Literature(71.5, 1.0, R2D2),
    ("omniglot", 5, 1): Literature(98.7, 0.4, FINN),
    ("omniglot", 5, 5): Literature(99.9, 0.1, FINN),
    ("omniglot", 20, 1): Literature(95.8, 0.3, FINN),
    ("omniglot", 20, 5): Literature(98.9, 0.2, FINN),
}

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
class Held:
    """A claim of the paper held against one study."""

    claim: str
    study: str
    measured: str
    outcome: Outcome


def literature_for(study: Study) -> Literature | None:
    """The number to compare full MAML of this study with, where there is one: same data, ways, shots and backbone,
    trained with all layers, at the end at least.
    """
    config = study.config
    comparable = config.backbone == "conv4" and config.order == "second" and config.last_pattern in ("maml", "11111")
    return LITERATURE.get((config.dataset, config.ways, config.shots)) if comparable else None


def hold(findings: Iterable[Findings]) -> list[Held]:
    """The paper's three claims against every study, in order of claim."""
    found = list(findings)
    return [claim(each) for claim in (_faster, _one_step, _selection) for each in found]


def _faster(found: Findings) -> Held:
    choice, confirmation = found.choices[MINIMAL_LOSS]
    told = f"{times(choice.speed_up)} at {number(confirmation.degradation)} points lost{TOLD[confirmation.verdict]}"
    outcome: Outcome = "not reproduced"
    if confirmation.verdict == "pass" and choice.speed_up >= (1 - SAME) * PAPER_SPEED_UP:
        outcome = "beaten" if choice.speed_up > (1 + SAME) * PAPER_SPEED_UP else "reproduced"
    return Held("adaptation 3× faster at minimal loss", found.study.name, told, outcome)


def _one_step(found: Findings) -> Held:
    step = found.one_step
    told = f"`{step.pattern}` {signed(step.gain)} ({interval(step.gain_low, step.gain_high)})"
    shown = step.better and step.gain >= SUBSTANTIAL_GAIN
    return Held(
        "one-step accuracy substantially improved", found.study.name, told, "reproduced" if shown else "not reproduced"
    )


def _selection(found: Findings) -> Held:
    verdicts = [confirmation.verdict for _, confirmation in found.choices.values()]
    faster = any(not choice.is_reference for choice, _ in found.choices.values())
    told = f"{verdicts.count('pass')} of {len(verdicts)} confirmed"
    held = faster and set(verdicts) == {"pass"}
    return Held(
        "fastest pattern selected within a loss", found.study.name, told, "reproduced" if held else "not reproduced"
    )
