"""study.json as values: what is known is typed, what is not known is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lambda_core.config import SearchConfig
from lambda_core.errors import StudyError
from lambda_core.studies.metadata import DatasetRecord, Environment, Pretraining, StudyMetadata
from lambda_core.studies.metadata_checks import check_name
from lambda_core.studies.study import Study
from lambda_core.studies.writing import write_metadata


def content_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "study.json").read_text())
    return content


def rewritten(folder: Path, content: dict[str, Any]) -> Study:
    write_metadata(folder, StudyMetadata.from_dict(content))
    return Study.load(folder)


def test_what_is_known_is_typed(folder: Path) -> None:
    metadata = Study.load(folder).metadata
    assert metadata.dataset == DatasetRecord("cifar-fs", "drawn by tests/synthetic.py", "synthetic")
    assert metadata.environment == Environment("2.14.1", "cpu", "a synthetic processor", 1, "3.11.7", "Linux")
    assert metadata.timed_with == metadata.environment
    assert (metadata.iterations_done, metadata.pretraining, metadata.search) == (500, None, None)
    assert metadata.commands[0] == "lambda-core train tiny"


def test_unknown_keys_are_kept(folder: Path) -> None:
    content = content_of(folder) | {"note": {"by": "us"}}
    content["environment"]["room"] = 7
    study = rewritten(folder, content)
    assert study.metadata.to_dict() == content == content_of(folder)
    again = study.metadata.with_measurement("search", SearchConfig().to_dict(), "lambda-core search tiny")
    assert again.to_dict()["note"] == {"by": "us"}
    assert again.search is not None
    assert again.search.settings == SearchConfig()


def test_a_measurement_is_noted_with_its_command_once(folder: Path) -> None:
    metadata = Study.load(folder).metadata
    again = metadata.with_measurement("sweep", {"episodes": 7}, "lambda-core sweep tiny")
    assert again.sweep is not None
    assert again.sweep.settings.episodes == 7
    assert again.commands == ("lambda-core train tiny", "lambda-core time tiny", "lambda-core sweep tiny")
    assert metadata.commands[1] == "lambda-core sweep tiny"


def test_pretraining_is_read(folder: Path) -> None:
    values = {"seconds": 3.5, "loss": 1.25, "accuracy": 0.5}
    assert rewritten(folder, content_of(folder) | {"pretraining": values}).metadata.pretraining == Pretraining(**values)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("environment", {"torch": 2}, r"study\.json, environment: 'torch' must be of type str"),
        ("dataset", {"fingerprint": []}, r"study\.json, dataset: 'fingerprint' must be of type str"),
        ("timing", {"repeats": 2, "environment": {"threads": "1"}}, r"timing: 'threads' must be of type int"),
        ("timing", {"repeats": 2, "environment": "a laptop"}, r"'environment' must be of type dict"),
        ("search", {"beam": 0}, r"study\.json, search: beam must lie between"),
        ("pretraining", [1], r"'pretraining' must be of type dict"),
    ],
)
def test_wrong_values_are_named(folder: Path, key: str, value: Any, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        StudyMetadata.from_dict(content_of(folder) | {key: value})


def test_environments_of_measurements_are_read_and_compared(folder: Path) -> None:
    content = content_of(folder)
    content["timing"]["environment"] = content["environment"] | {"torch": "2.13.0+cpu"}
    study = rewritten(folder, content)
    (warning,) = study.warnings
    assert "timing 2.13.0" in warning
    assert study.metadata.timed_with.torch == "2.13.0+cpu"
    content["timing"]["environment"]["torch"] = "2.14.1+cu130"  # another build of the same version
    assert rewritten(folder, content).warnings == []


@pytest.mark.parametrize("name", ["", "A", "-a", "a_b", "../a", "a" * 65, "a\n", "é"])
def test_wrong_names_are_refused(name: str) -> None:
    with pytest.raises(StudyError, match="no name for a study"):
        check_name(name)


@pytest.mark.parametrize("name", ["a", "0", "cifar-fs-5w1s", "a" * 64])
def test_right_names_pass(name: str) -> None:
    assert check_name(name) == name
