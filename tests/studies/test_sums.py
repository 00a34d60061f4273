"""A flipped bit is a named fault and never another number; an older study is read, and says that it is unchecked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lambda_core.errors import StudyError
from lambda_core.studies import writing
from lambda_core.studies.study import Study
from lambda_core.studies.sums import FILES, STAGED
from lambda_core.studies.writing import commit, seal, settle
from lambda_core.system import OWN, own_sum
from tests.support.making import left_in
from tests.support.spoiling import about

FILES_OF_A_STUDY = ["study.json", "weights.safetensors", "training.parquet", "accuracy.parquet", "timing.parquet"]


@pytest.fixture
def sealed(folder: Path) -> Path:
    seal(folder)
    return folder


def test_an_older_study_is_read_unchecked_and_sealed_once(folder: Path) -> None:
    assert not Study.load(folder).checked
    seal(folder)
    study = Study.load(folder)
    assert study.checked
    assert sorted(study.metadata.sums or {}) == sorted(FILES_OF_A_STUDY[1:])
    assert left_in(folder) == sorted(FILES_OF_A_STUDY)


def flips(content: bytes, count: int, seed: int) -> Iterator[bytes]:
    random = np.random.default_rng(seed)
    for place, bit in zip(random.integers(0, len(content), count), random.integers(0, 8, count), strict=True):
        spoilt = bytearray(content)
        spoilt[place] ^= 1 << bit
        yield bytes(spoilt)


@pytest.mark.parametrize("name", FILES_OF_A_STUDY)
def test_no_flipped_bit_passes(sealed: Path, name: str) -> None:
    path = sealed / name
    for spoilt in flips(path.read_bytes(), 30, seed=len(name)):
        path.write_bytes(spoilt)
        with pytest.raises(StudyError, match=rf"{name}|study\.json"):
            Study.load(sealed)


def test_every_bit_of_the_list_itself_counts(sealed: Path) -> None:
    path = sealed / "study.json"
    content = path.read_bytes()
    for place in range(content.index(b'"files"'), len(content) - 1):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        if _says_the_same(path, content):
            continue
        with pytest.raises(StudyError):
            Study.load(sealed)


def _says_the_same(path: Path, content: bytes) -> bool:
    try:
        return bool(json.loads(path.read_bytes()) == json.loads(content))
    except ValueError:
        return False


def test_an_edited_study_json_is_told_from_a_sound_one(sealed: Path) -> None:
    about(iterations_done=1)(sealed)
    with pytest.raises(StudyError, match=r"study\.json is damaged or was edited.*its own checksum"):
        Study.load(sealed)


@pytest.mark.parametrize("key", [FILES, OWN])
def test_half_of_the_checksums_is_no_older_study(sealed: Path, key: str) -> None:
    about(**{key: ...})(sealed)
    with pytest.raises(StudyError, match=r"study\.json"):
        Study.load(sealed)


@pytest.mark.parametrize("sums", [[], "all", {"weights.safetensors": 3}, {"weights.safetensors": "../x"}])
def test_a_list_of_another_kind_is_named(sealed: Path, sums: object) -> None:
    content = json.loads((sealed / "study.json").read_text()) | {FILES: sums}
    (sealed / "study.json").write_text(json.dumps(content | {OWN: own_sum(content)}))
    with pytest.raises(StudyError, match="must list the SHA-256"):
        Study.load(sealed)


def test_a_listed_file_that_is_gone_is_named(sealed: Path) -> None:
    (sealed / "timing.parquet").unlink()
    study = Study.load(sealed)
    assert study.timing is None
    assert "lacks the timing.parquet that study.json lists; make it with: lambda-core time" in study.warnings[0]
    (sealed / "training.parquet").unlink()
    with pytest.raises(StudyError, match=r"training\.parquet cannot be read"):
        Study.load(sealed)


def test_weights_changed_after_loading_are_not_used(sealed: Path) -> None:
    study = Study.load(sealed)
    path = sealed / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(StudyError, match=r"weights\.safetensors is damaged or was replaced"):
        study.model()


def test_a_table_that_study_json_does_not_know_of_is_passed_over_and_said(folder: Path) -> None:
    about(timing=None)(folder)
    study = Study.load(folder)
    assert study.timing is None
    assert "timing.parquet, but study.json does not say how it was made" in study.warnings[0]
    assert "lambda-core time" in study.warnings[0]


class Stopped(BaseException):
    """As a kill: nothing is cleaned up after it, where it is raised in place of the next step."""


@pytest.mark.parametrize("step", ["_stage", "write_metadata", "_publish"])
def test_stopped_at_any_step_a_commit_is_there_whole_or_not_at_all(
    sealed: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = Study.load(sealed)
    assert before.timing is not None
    slower = before.timing.assign(milliseconds=before.timing["milliseconds"] * 2)

    def stop(*_: object) -> None:
        raise Stopped

    def again() -> None:
        commit(sealed, lambda m: m.with_measurement("timing", {"repeats": 3}), {"timing": slower})

    with monkeypatch.context() as patch:
        patch.setattr(writing, step, stop)
        with pytest.raises(Stopped):
            again()
    found = Study.load(sealed)
    assert found.timing is not None
    assert found.timing_config is not None
    new = step == "_publish"
    assert (found.timing_config.repeats == 3) == new
    assert found.timing["milliseconds"].equals((slower if new else before.timing)["milliseconds"])
    again()
    assert Study.load(sealed).timing["milliseconds"].equals(slower["milliseconds"])  # type: ignore[index]
    assert left_in(sealed) == sorted(FILES_OF_A_STUDY)


def test_what_a_stopped_commit_left_is_settled(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no other commit follows, as after a training that was killed when all was done."""
    before = Study.load(sealed)
    assert before.timing is not None
    slower = before.timing.assign(milliseconds=before.timing["milliseconds"] * 2)
    with monkeypatch.context() as patch:
        patch.setattr(writing, "_publish", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            commit(sealed, lambda metadata: metadata, {"timing": slower})
    assert STAGED in left_in(sealed)
    (sealed / ".lock").touch()
    settle(sealed)
    assert left_in(sealed) == sorted(FILES_OF_A_STUDY)
    assert Study.load(sealed).timing["milliseconds"].equals(slower["milliseconds"])  # type: ignore[index]
    (sealed / ".lock").touch()
    settle(sealed)
    assert left_in(sealed) == sorted(FILES_OF_A_STUDY)


def test_what_is_staged_and_not_listed_is_never_read(sealed: Path) -> None:
    (sealed / STAGED).mkdir()
    (sealed / STAGED / "timing.parquet").write_bytes(b"of a stopped run")
    assert Study.load(sealed).timing is not None


def test_two_jobs_keep_each_others_record(sealed: Path) -> None:
    study = Study.load(sealed)
    assert study.timing is not None
    assert study.accuracy is not None
    commit(sealed, lambda m: m.with_measurement("timing", {"repeats": 7}), {"timing": study.timing})
    commit(sealed, lambda m: m.with_measurement("sweep", {"episodes": 3}), {"accuracy": study.accuracy})
    found = Study.load(sealed)
    assert found.timing_config is not None
    assert found.timing_config.repeats == 7


def test_tables_of_other_weights_are_refused(sealed: Path) -> None:
    study = Study.load(sealed)
    state = {name: value + 1 for name, value in study.model().state_dict().items()}
    commit(sealed, lambda metadata: metadata, {}, state)
    with pytest.raises(StudyError, match="has changed while it was measured"):
        commit(sealed, lambda metadata: metadata, {"timing": study.timing}, of_weights=study.weights_sum)
