"""What is said of a choice for each population, for machines, and for several trainings as one study."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from lambda_core.analysis import (
    as_markdown,
    choose,
    describe_machines,
    describe_populations,
    find_trainings,
    on_machines,
    pooled,
    populations,
    trainings_of,
)
from lambda_core.commands.main import main
from lambda_core.errors import StudyError
from lambda_core.selection import SelectionSettings
from lambda_core.studies import Study, write_metadata, write_table
from lambda_core.studies.metadata import StudyMetadata
from tests.support.synthetic import write_study

SETTINGS = SelectionSettings(2.0)


def with_classes(folder: Path, classes: int) -> Study:
    """The study, its episodes drawn from so many classes."""
    study, random = Study.load(folder), np.random.default_rng(0)
    assert study.accuracy is not None
    each = study.accuracy[["split", "episode"]].drop_duplicates().astype({"split": "str"})
    places = np.concatenate([random.permutation(classes)[:5] for _ in range(len(each))])
    write_table(folder, "episodes", each.loc[each.index.repeat(5)].assign(**{"class": places}))
    return Study.load(folder)


def write_trainings(root: Path, count: int, name: str = "three") -> list[Path]:
    folders = []
    for seed in range(count):
        folder = write_study(root, f"{name}-seed{seed}", filters=4, max_steps=5, repeats=3, episodes=80)
        content = Study.load(folder).metadata.to_dict() | {"group": name}
        content["config"]["seed"] = seed
        write_metadata(folder, StudyMetadata.from_dict(content))
        accuracy = Study.load(folder).accuracy
        assert accuracy is not None
        lost = 0.04 * seed * (accuracy["pattern"] == "11111")  # the full pattern is worse from seed to seed
        write_table(folder, "accuracy", accuracy.assign(accuracy=(accuracy["accuracy"] - lost).clip(0, 1)))
        folders.append(folder)
    return folders


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Study:
    root = tmp_path_factory.mktemp("reach")
    return with_classes(write_study(root, "plain", filters=4, max_steps=5, repeats=5), 12)


def test_the_interval_for_new_episodes_is_that_of_the_differences(measured: Study) -> None:
    choice, _ = choose(measured, SETTINGS)
    seen = populations(measured, choice)
    test = measured.split("test").set_index(["pattern", "steps"]).sort_index()
    lost = 100 * (
        test.loc[("11111", 5)].sort_values("episode")["accuracy"].to_numpy(float)
        - test.loc[(choice.pattern, choice.steps)].sort_values("episode")["accuracy"].to_numpy(float)
    )
    assert seen.episodes.estimate == pytest.approx(lost.mean())
    assert seen.episode_variance == pytest.approx(lost.var(ddof=1))
    assert seen.classes is not None
    assert seen.classes.half_width >= seen.episodes.half_width
    assert seen.trainings is None


def test_it_is_said_in_words(measured: Study) -> None:
    lines = describe_populations(populations(measured, choose(measured, SETTINGS)[0]), SETTINGS.threshold)
    assert [line.split(":")[0] for line in lines[:3]] == [
        "For new episodes of these classes", "For new classes as well", "For new trainings",
    ]  # fmt: skip
    assert "### For whom the choices hold" in as_markdown([measured])


def test_a_choice_says_on_which_machines_it_holds(measured: Study, tmp_path: Path) -> None:
    choice, _ = choose(measured, SETTINGS)
    alone = on_machines(measured, choice, SETTINGS)
    assert [(each.instead, each.speed_up) for each in alone] == [(None, choice.speed_up)]
    assert "one machine only" in describe_machines(alone)
    folder = write_study(tmp_path, "two", filters=4, max_steps=5, repeats=5)
    timing = Study.load(folder).timing
    assert timing is not None
    # on the other machine every step takes as long, whatever it updates: only fewer steps are faster
    once = timing[timing["repeat"] < 4]
    other = once.assign(processor="another", milliseconds=once["steps"].astype(float) + 0.001 * once["repeat"])
    write_table(folder, "timing", pd.concat([timing, other], ignore_index=True))
    both = on_machines(Study.load(folder), choice, SETTINGS)
    assert [each.condition.processor for each in both] == ["a synthetic processor", "another"]
    assert both[0].instead is None
    assert both[1].instead is not None
    assert "The choice of 1 of 2 machines" in describe_machines(both)


def test_several_trainings_are_one_study_with_an_interval_of_their_own(tmp_path: Path) -> None:
    write_trainings(tmp_path, 3)
    studies = find_trainings(tmp_path / "three")
    assert [study.config.seed for study in studies] == [0, 1, 2]
    together = pooled(studies[::-1])
    assert together.name == "three"
    assert len(trainings_of(together)) == 3
    choice, _ = choose(together, SETTINGS)
    seen = populations(together, choice)
    means = [populations(study, choice).episodes.estimate for study in studies]
    assert seen.trainings is not None
    assert seen.episodes.estimate == pytest.approx(np.mean(means))
    assert seen.between_trainings == pytest.approx(np.var(means, ddof=1))
    assert seen.trainings.half_width > 2 * seen.episodes.half_width


def test_trainings_that_differ_in_more_than_the_seed_are_refused(tmp_path: Path) -> None:
    write_trainings(tmp_path, 1)
    other = write_study(tmp_path, "other", filters=8, max_steps=5, repeats=3, episodes=80)
    with pytest.raises(StudyError, match="trained by other settings"):
        pooled([*find_trainings(tmp_path / "three"), Study.load(other)])


def test_select_and_report_take_the_common_name(tmp_path: Path) -> None:
    write_trainings(tmp_path, 2)
    asked = ["select", str(tmp_path / "three"), "--threshold", "2"]
    record = json.loads(CliRunner().invoke(main, [*asked, "--json"]).stdout)
    assert record["study"] == "three"
    assert record["for"]["trainings"]["degradation_low"] < record["for"]["episodes"]["degradation_low"]
    words = CliRunner().invoke(main, asked).stdout
    assert "For new trainings as well" in words
    assert "`three`" in CliRunner().invoke(main, ["report", str(tmp_path / "three")]).stdout


@pytest.mark.slow
def test_train_makes_a_study_for_each_seed(tmp_path: Path) -> None:
    small = "--filters 4 --iterations 1 --meta-batch 1 --steps 1 --validation-episodes 2 --queries 2 --seed 3"
    asked = ["train", "--dataset", "glyphs", *small.split(), "--out", str(tmp_path / "twins")]
    done = CliRunner().invoke(main, [*asked, "--seeds", "2"])
    assert done.exit_code == 0, done.output
    studies = find_trainings(tmp_path / "twins")
    assert [(study.name, study.config.seed) for study in studies] == [("twins-seed3", 3), ("twins-seed4", 4)]
    again = CliRunner().invoke(main, [*asked, "--seeds", "3", "--resume"])
    assert again.exit_code == 0, again.output
    assert len(find_trainings(tmp_path / "twins")) == 3
