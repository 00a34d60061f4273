"""A training goes on with what is its own, and never overwrites what it cannot make again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lambda_core.errors import BusyError, StudyError
from lambda_core.studies.study import Study
from lambda_core.studies.writing import commit, seal
from lambda_core.system import locked
from lambda_core.workflows.train import check_target, train_study
from tests.support.synthetic import write_study
from tests.training.test_meta_trainer import TINY


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    folder = write_study(tmp_path, "done", episodes=3, max_steps=2, repeats=2, filters=4, iterations=500)
    seal(folder)
    return folder


def test_a_finished_study_is_not_resumed(finished: Path) -> None:
    with pytest.raises(StudyError, match=r"done is finished \(500 iterations\): there is nothing to resume"):
        check_target(finished, resume=True)


def unfinish(folder: Path) -> None:
    from lambda_core.studies.metadata import StudyMetadata

    commit(folder, lambda metadata: StudyMetadata.from_dict(metadata.to_dict() | {"iterations_done": 100}), {})


def test_a_study_without_its_checkpoint_is_not_resumed(finished: Path) -> None:
    unfinish(finished)
    with pytest.raises(StudyError, match="came without its checkpoint"):
        check_target(finished, resume=True)


def test_a_measured_study_keeps_its_weights(finished: Path) -> None:
    unfinish(finished)
    (finished / "checkpoint").mkdir()
    (finished / "checkpoint" / "state.safetensors").touch()
    with pytest.raises(StudyError, match="was measured after 100 iterations"):
        check_target(finished, resume=True)


def test_a_damaged_study_is_not_trained_over(finished: Path) -> None:
    (finished / "weights.safetensors").write_bytes(b"")
    with pytest.raises(StudyError, match=r"weights\.safetensors is damaged"):
        check_target(finished, resume=True)


def test_two_trainings_into_one_folder_are_one(tmp_path: Path, root: str) -> None:
    with locked(tmp_path / ".twice.training", "it is in training"), pytest.raises(BusyError, match="is in training by"):
        train_study(TINY, tmp_path / "twice", root=root)
    assert not (tmp_path / "twice").exists()


@pytest.mark.slow
def test_a_training_that_goes_on_keeps_commands_and_times(tmp_path: Path, root: str) -> None:
    folder = tmp_path / "grows"
    train_study(TINY, folder, root=root, stop_at=3, command="lambda-core train a")
    study = train_study(TINY, folder, root=root, resume=True, command="lambda-core train b")
    assert study.checked
    assert study.metadata.commands == ("lambda-core train a", "lambda-core train b")
    assert study.metadata.iterations_done == TINY.iterations
    assert not list(folder.parent.glob(".*"))
    shutil.rmtree(folder / "checkpoint")
    with pytest.raises(StudyError, match="is finished"):
        train_study(TINY, folder, root=root, resume=True)
    assert Study.load(folder).weights_sum == study.weights_sum
