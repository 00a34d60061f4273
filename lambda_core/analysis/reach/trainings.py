"""Several trainings of one recipe, each an ordinary study of its own, asked together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from lambda_core.errors import StudyError
from lambda_core.studies import Study, accuracies_of

EPISODE = ["split", "pattern", "steps", "lr", "episode"]
SCORES = ["accuracy", "loss"]


@dataclass(frozen=True, eq=False)
class StudyOfTrainings(Study):
    """Studies of one recipe under several seeds as one: accuracies are means over its `trainings`, times the first's.

    What is chosen from it holds for the average of these trainings; it has no folder and no model of its own.
    """

    trainings: tuple[Study, ...] = ()


def trainings_of(study: Study) -> tuple[Study, ...]:
    """The trainings that a study stands for: itself, unless it is `pooled`."""
    return study.trainings if isinstance(study, StudyOfTrainings) else (study,)


def find_trainings(place: Path) -> list[Study]:
    """The studies that `lambda-core train --seeds … --out PLACE` made, by seed; none where there are none.

    Raises StudyError for one that cannot be read.
    """
    folders = place.parent.glob(f"{place.name}-seed*") if place.parent.is_dir() else []
    found = [Study.load(folder) for folder in folders if (folder / "study.json").is_file()]
    return sorted((study for study in found if study.metadata.group == place.name), key=lambda study: study.config.seed)


def pooled(studies: Sequence[Study]) -> StudyOfTrainings:
    """One study for several trainings of the same recipe, swept on the same episodes.

    Raises StudyError where their settings differ in more than the seed, or where one is not measured.
    """
    first = studies[0]
    for study in studies:
        study.measurements()
        if study.config.but(seed=0) != first.config.but(seed=0):
            raise StudyError(f"{study.name} and {first.name} are trained by other settings: they cannot be one study")
        if study.sweep_config != first.sweep_config:
            raise StudyError(f"{study.name} and {first.name} are swept by other settings; sweep them alike")
    tables = [study.accuracies.frame() for study in studies if study.accuracies is not None]
    kept = {each.name: getattr(first, each.name) for each in fields(Study)}
    kept |= {"folder": first.folder.parent / (first.metadata.group or first.name)}
    kept |= {"accuracies": accuracies_of(_mean(tables))}
    return StudyOfTrainings(**kept, trainings=tuple(studies))


def _mean(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of the first table with the means of all; the rows may lie in another order in another table."""
    plain = [table.astype({"split": "str", "pattern": "str"}).set_index(EPISODE)[SCORES] for table in tables]
    places = plain[0].index
    try:
        aligned = [table.loc[places] for table in plain]
    except KeyError:
        raise StudyError("the trainings of a study must be swept on the same candidates and episodes") from None
    means = pd.DataFrame(sum(table.to_numpy(float) for table in aligned) / len(aligned), columns=SCORES)
    return tables[0].drop(columns=SCORES).reset_index(drop=True).join(means)[list(tables[0].columns)]
