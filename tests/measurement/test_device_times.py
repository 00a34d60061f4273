"""Times that another device took of exported graphs: read back as one more machine, and nothing wrong is taken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lambda_core.analysis import choose, describe_machines, on_machines
from lambda_core.errors import StudyError
from lambda_core.measurement import read_device_times
from lambda_core.selection import SelectionSettings, timing_conditions
from lambda_core.studies import Study
from lambda_core.workflows import add_device_times
from tests.support.synthetic import LAYERS, write_study

FULL = {"pattern": "11111", "steps": 5, "milliseconds": [90.0, 91.0, 92.0, 93.0, 94.0, 95.0]}
HEAD = {"pattern": "00001", "steps": 5, "milliseconds": [9.0, 9.1, 9.2, 9.3, 9.4, 9.5]}
RIGHT = {
    "format": 1, "study": "synthetic-5w1s", "layers": list(LAYERS), "support_images": [5, 3, 32, 32],
    "runtime": "onnxruntime 1.31.0", "processor": "ARM Cortex-A72", "threads": 1, "times": [FULL, HEAD],
}  # fmt: skip


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Read only: writing and loading one takes a second."""
    return Study.load(write_study(tmp_path_factory.mktemp("studies"), episodes=40))


@pytest.fixture
def study(measured: Study, tmp_path: Path) -> Study:
    return Study.load(Path(shutil.copytree(measured.folder, tmp_path / "studies" / measured.name)))


def written(folder: Path, content: Any) -> Path:
    path = folder / "times.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_device_is_one_more_machine(study: Study, tmp_path: Path) -> None:
    done = add_device_times(study, written(tmp_path, RIGHT), command="lambda-core time … --from times.json")
    assert done.metadata.commands[-1].endswith("--from times.json")
    assert [each.processor for each in timing_conditions(done.timing)][1:] == ["ARM Cortex-A72"]
    assert "onnxruntime 1.31.0, ARM Cortex-A72" in str(timing_conditions(done.timing)[1])
    device = timing_conditions(done.timing)[1]
    chosen, _ = choose(done, SelectionSettings(5.0, condition=device))
    assert (chosen.pattern, chosen.steps) == ("00001", 5)
    assert chosen.speed_up == pytest.approx(10, rel=0.1)
    assert chosen.candidates == 2  # the head, and no adaptation: what was taken along
    assert done.peak("11111", 5) == study.peak("11111", 5)


def test_the_choice_says_how_fast_it_is_there_and_the_same_file_again_changes_nothing(study, tmp_path) -> None:
    settings = SelectionSettings(100.0)
    done = add_device_times(study, written(tmp_path, RIGHT))
    assert len(add_device_times(done, written(tmp_path, RIGHT)).timing) == len(done.timing)
    said = describe_machines(on_machines(done, choose(done, settings)[0], settings))
    assert said.startswith(("The choice of", "Timed on one machine only"))
    assert choose(done, settings)[0].candidate == choose(study, settings)[0].candidate


def test_a_study_is_timed_here_first(tmp_path: Path) -> None:
    study = Study.load(write_study(tmp_path, measured=False))
    with pytest.raises(StudyError, match="lambda-core sweep"):
        add_device_times(study, written(tmp_path, RIGHT))


WRONG = {
    "no file": (None, "cannot be read"),
    "no JSON": ("{", "no JSON file"),
    "deep": ("[" * 100_000, "no JSON file"),
    "a list": ([], "no file of times"),
    "another format": (RIGHT | {"format": 2}, "no file of times"),
    "other layers": (RIGHT | {"layers": ["a"]}, "another network"),
    "other images": (RIGHT | {"support_images": [5, 3, 84, 84]}, "another network"),
    "another runtime": (RIGHT | {"runtime": "torch 2"}, "'runtime' must be onnxruntime"),
    "signs of control": (RIGHT | {"processor": "x\u001b[31m"}, "printable"),
    "a long word": (RIGHT | {"processor": "x" * 1000}, "printable"),
    "threads": (RIGHT | {"threads": True}, "threads must be"),
    "no times": (RIGHT | {"times": []}, "must list 1 to 1,000"),
    "a number": (RIGHT | {"times": [3]}, "must be an object"),
    "a pattern of words": (RIGHT | {"times": [FULL, HEAD | {"pattern": "<b>"}]}, "neither 0, 1 nor n"),
    "steps": (RIGHT | {"times": [FULL, HEAD | {"steps": 10**9}]}, "steps must be"),
    "words": (RIGHT | {"times": [FULL, HEAD | {"milliseconds": ["1"]}]}, "one a round"),
    "NaN": (json.dumps(RIGHT | {"times": [FULL | {"milliseconds": [np.nan]}]}), "above 0"),
    "below 0": (RIGHT | {"times": [FULL | {"milliseconds": [-1.0]}]}, "above 0"),
    "huge": (json.dumps(RIGHT).replace("9.1", "1e400"), "above 0"),
    "other rounds": (RIGHT | {"times": [FULL, HEAD | {"milliseconds": [1.0]}]}, "as many rounds"),
    "twice": (RIGHT | {"times": [FULL, FULL]}, "stand there once"),
    "no reference": (RIGHT | {"times": [HEAD]}, "export that too"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_and_nothing_is_taken(name: str, measured: Study, tmp_path: Path) -> None:
    content, words = WRONG[name]
    path = tmp_path / "not-there.json" if content is None else written(tmp_path, content)
    with pytest.raises(StudyError, match=words) as error:
        read_device_times(path, measured)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_a_huge_file_is_not_read(measured: Study, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="larger than 4 MB"):
        read_device_times(written(tmp_path, " " * (5 << 20)), measured)
