"""What changes when the images change: the choice made where a model was trained, and the one made on other images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lambda_core.analysis.study_choice import choose
from lambda_core.analysis.transfer import judge_transfer, transfer_choice
from lambda_core.errors import LambdaError
from lambda_core.selection import Choice, Confirmation, Interval, SelectionSettings, confirm
from lambda_core.studies import Study


@dataclass(frozen=True, eq=False)
class Domain:
    """One model on other images than it was trained on.

    home: the choice on validation classes of the training's data set, and `there` what the other one's test classes say
    of it (None: not measured there). own: the choice on the other data set's validation classes, with its confirmation.
    own_over_home: points that `own` loses on those test classes beside `home`, paired (below 0: it gains); None as
    `there`.
    """

    study: Study
    home: Choice
    there: Confirmation | None
    own: Choice
    confirmation: Confirmation
    own_over_home: Interval | None

    @property
    def beats_home(self) -> str | None:
        """In what the choice made there beats the one from home: accuracy, speed; None: in neither, or not known."""
        if self.own_over_home is None or self.there is None:
            return None
        if self.own_over_home.high < 0:
            return "accuracy"
        return "speed" if self.own.speed.low > self.home.speed.high and self.confirmation.verdict == "pass" else None


def domains_of(studies: Sequence[Study], settings: SelectionSettings) -> list[Domain]:
    """Of every study that is measured on other images and whose model's own study is among the others.

    Studies that cannot answer are passed over.
    """
    at_home = {study.weights_sum: study for study in studies if study.metadata.domain is None}
    found = []
    for study in studies:
        if study.metadata.domain is not None and study.weights_sum in at_home:
            try:
                found.append(_domain(study, at_home[study.weights_sum], settings))
            except LambdaError:  # `report` says why, of each study
                continue
    return found


def _domain(study: Study, home_study: Study, settings: SelectionSettings) -> Domain:
    home, (own, confirmation) = choose(home_study, settings)[0], choose(study, settings)
    there = judge_transfer(home, study)
    return Domain(study, home, there, own, confirmation, None if there is None else _beside(own, home, study))


def _beside(own: Choice, home: Choice, study: Study) -> Interval:
    """Points that `own` loses against `home` on the study's test classes."""
    against = replace(own, reference=transfer_choice(home, study).candidate)
    return confirm(against, study.scores("test")).degradation
