"""The classes of a study's episodes: kept beside its accuracies, and never those of other episodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lambda_core.errors import StudyError
from lambda_core.studies import Study, commit, write_table

WAYS = 5


def table_for(study: Study) -> pd.DataFrame:
    """Class `episode % 3 + place` for every place of every episode."""
    assert study.accuracy is not None
    each = study.accuracy[["split", "episode"]].drop_duplicates().astype({"split": "str"})
    rows = each.loc[each.index.repeat(WAYS)].reset_index(drop=True)
    return rows.assign(**{"class": rows["episode"] % 3 + np.tile(np.arange(WAYS), len(each))})


def test_they_come_back_in_the_order_of_the_accuracies(folder: Path) -> None:
    study = Study.load(folder)
    assert study.classes("val") is None
    turned = table_for(study).sort_values(["split", "episode"], ascending=False, kind="stable")
    write_table(folder, "episodes", turned)
    episodes = pd.unique(study.split("val")["episode"])
    np.testing.assert_array_equal(Study.load(folder).classes("val"), (episodes % 3)[:, None] + np.arange(WAYS))


BAD = {
    "one episode less": (lambda f: f[f["episode"] != 0], "lists other episodes than accuracy"),
    "a class less": (lambda f: f.iloc[1:], "has 4 classes, not 5"),
    "a class twice": (lambda f: pd.concat([f, f.head(1)]), "has a class twice"),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_does_not_fit_the_accuracies_is_refused(folder: Path, fault: str) -> None:
    change, message = BAD[fault]
    write_table(folder, "episodes", change(table_for(Study.load(folder))))
    with pytest.raises(StudyError, match=message):
        Study.load(folder)


def test_a_sweep_that_is_cut_off_leaves_the_one_before(folder: Path) -> None:
    study = Study.load(folder)
    write_table(folder, "episodes", table_for(study))
    tables = {"accuracy": study.accuracy, "episodes": table_for(study).drop(columns="class")}
    with pytest.raises(StudyError, match="lacks the column"):
        commit(folder, lambda metadata: metadata, tables)  # type: ignore[arg-type]
    assert Study.load(folder).episodes is not None  # nothing was written: those of the sweep before


def test_times_of_an_older_study_are_those_of_the_machine_that_it_names(folder: Path) -> None:
    timing = Study.load(folder).timing
    assert timing is not None
    write_table(folder, "timing", timing.drop(columns=["torch", "processor"]))
    read = Study.load(folder)
    assert read.timing["processor"].unique().tolist() == [read.metadata.timed_with.processor]  # type: ignore[index]
    assert read.timing["torch"].unique().tolist() == [read.metadata.timed_with.torch_version]  # type: ignore[index]
