"""The claims of the paper on Lambda patterns, held against studies by rules that claims.toml states beforehand."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from lambda_core.analysis.findings import Findings
from lambda_core.formatting import interval, number, points, signed, times, times_between
from lambda_core.patterns import LambdaPattern, count_cost
from lambda_core.selection import Choice, Confirmation
from lambda_core.studies import Study

Outcome = Literal["reproduced", "beaten", "not reproduced", "excluded"]
FILE = Path(__file__).with_name("claims.toml")
REMARKS = {"pass": "", "fail": ", refuted", "undecided": ", not confirmed"}


@dataclass(frozen=True)
class Claim:
    """A claim as claims.toml states it. reproduced, beaten: the least that counts as such, times or points, if any."""

    name: str
    says: str
    rule: str
    excluded: tuple[str, ...]
    reproduced: float = float("inf")
    beaten: float = float("inf")


@dataclass(frozen=True)
class ClaimOutcome:
    """A claim held against one study. measured: the study's numbers, or why it is excluded, in words."""

    claim: str
    study: str
    measured: str
    outcome: Outcome


@cache
def prespecified() -> dict[str, Any]:
    """All that claims.toml says: paper, population, confidence, threshold, exclusions, claim, experiment."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def claims() -> list[Claim]:
    """The claims, in the file's order."""
    return [Claim(**each | {"excluded": tuple(each["excluded"])}) for each in prespecified()["claim"]]


def check_claims(findings: Sequence[Findings]) -> list[ClaimOutcome]:
    """Every claim against every study, in order of claim. One-step gains are corrected over all studies given."""
    return [_check(claim, study, len(findings)) for claim in claims() for study in findings]


def rules_text() -> str:
    """The rules in a paragraph of Markdown, with the experiment's answer."""
    stated = prespecified()
    rules = "; ".join(f"*{claim.says}*: {claim.rule}{_levels(claim)}" for claim in claims())
    sure = f"{100 * stated['confidence']:g} %, threshold {points(stated['threshold'])}"
    return (
        f"**Rules**, stated beforehand in `lambda_core/analysis/claims.toml`. {sure}; for {stated['population']}. "
        f"{rules}.\n\n**One step, done fairly.** {one_step_answer()} (`python -m benchmarks.one_step`)."
    )


def one_step_answer() -> str:
    """What the experiment under equal conditions says of the claim on one step: the same words everywhere."""
    answer: str = prespecified()["experiment"]["answer"]
    return answer


def skipping_alone(study: Study, pattern: str) -> float | None:
    """How many times fewer multiply-adds a pattern takes where each step runs the whole forward pass, as without
    restarts; None where the layers' costs were not recorded.
    """
    costs = study.layer_costs
    if costs is None:
        return None
    full, own = LambdaPattern.full(len(costs)), LambdaPattern.parse(pattern, len(costs))
    return count_cost(full, 1, costs) / count_cost(own, 1, costs)


def _check(claim: Claim, findings: Findings, studies: int) -> ClaimOutcome:
    study = findings.study
    reasons = [reason for reason in claim.excluded if _is_excluded[reason](study)]
    if reasons:
        return ClaimOutcome(claim.says, study.name, prespecified()["exclusions"][reasons[0]], "excluded")
    measured, outcome = _checks[claim.name](claim, findings, studies)
    return ClaimOutcome(claim.says, study.name, measured, outcome)


def _skipping(claim: Claim, findings: Findings, _: int) -> tuple[str, Outcome]:
    choice, seen = findings.own_steps
    alone = 1.0 if choice.is_reference else skipping_alone(findings.study, choice.pattern)
    return ("not counted", "not reproduced") if alone is None else _speed(claim, alone, times(alone), choice, seen)


def _restart(claim: Claim, findings: Findings, _: int) -> tuple[str, Outcome]:
    return _timed(claim, *findings.own_steps)


def _steps(claim: Claim, findings: Findings, _: int) -> tuple[str, Outcome]:
    return _timed(claim, *findings.choices[prespecified()["threshold"]])


def _timed(claim: Claim, choice: Choice, seen: Confirmation) -> tuple[str, Outcome]:
    between = "" if choice.is_reference else f" ({times_between(choice.speed.low, choice.speed.high)})"
    return _speed(claim, choice.speed_up, f"{times(choice.speed_up)}{between}", choice, seen)


def _speed(claim: Claim, factor: float, told: str, choice: Choice, seen: Confirmation) -> tuple[str, Outcome]:
    outcome: Outcome = "not reproduced"
    if seen.verdict == "pass" and factor >= claim.reproduced:
        outcome = "beaten" if factor > claim.beaten else "reproduced"
    lost = f"{number(seen.degradation.estimate)} points lost{REMARKS[seen.verdict]}"
    return f"`{choice.pattern}` × {choice.steps} {told} at {lost}", outcome


def _one_step(claim: Claim, findings: Findings, studies: int) -> tuple[str, Outcome]:
    best = findings.one_step.among(studies)
    shown = best.better and best.gain.estimate >= claim.reproduced
    measured = f"`{best.pattern}` {signed(best.gain.estimate)} ({interval(best.gain.low, best.gain.high)})"
    return measured, "reproduced" if shown else "not reproduced"


def _selection(_: Claim, findings: Findings, __: int) -> tuple[str, Outcome]:
    verdicts = [confirmation.verdict for _, confirmation in findings.choices.values()]
    faster = any(not choice.is_reference for choice, _ in findings.choices.values())
    shown = faster and set(verdicts) == {"pass"}
    return f"{verdicts.count('pass')} of {len(verdicts)} confirmed", "reproduced" if shown else "not reproduced"


def _levels(claim: Claim) -> str:
    if claim.reproduced == float("inf"):
        return ""
    if claim.beaten == float("inf"):
        return f" (reproduced from {points(claim.reproduced)})"
    return f" (reproduced from {times(claim.reproduced)}, beaten above {times(claim.beaten)})"


_is_excluded: dict[str, Callable[[Study], bool]] = {
    "untrained": lambda study: not study.ends_with_all_layers or study.metadata.iterations_done == 0,
    "single": lambda study: study.config.steps == 1,
    "elsewhere": lambda study: study.metadata.domain is not None,
}
_checks: dict[str, Callable[[Claim, Findings, int], tuple[str, Outcome]]] = {
    "skipping": _skipping,
    "restart": _restart,
    "steps": _steps,
    "one step": _one_step,
    "selection": _selection,
}
