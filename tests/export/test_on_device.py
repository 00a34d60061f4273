"""The program that goes with exported graphs: it says the classes that our own engine says."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lambda_core.adaptation.adapting import adapt
from lambda_core.export import on_device
from lambda_core.measurement.device_times import read_device_times
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.studies.study import Study
from lambda_core.workflows.export import export_archive

onnx = pytest.importorskip("onnx")
pytestmark = pytest.mark.slow

PATTERN = LambdaPattern.parse("00011", 5)


class Session:
    """onnxruntime's interface, as far as the program uses it, over the format's own evaluator."""

    def __init__(self, content: bytes) -> None:
        from onnx.reference import ReferenceEvaluator

        self.model = ReferenceEvaluator(onnx.load_from_string(content))

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name=name) for name in self.model.input_names]

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name=name) for name in self.model.output_names]

    def run(self, names: list[str] | None, given: dict[str, Any]) -> list[Any]:
        return self.model.run(names, given)


@pytest.fixture(scope="module")
def study() -> Study:
    return Study.load("glyphs-5w1s")


@pytest.fixture(scope="module", params=["transductive", "support"])
def packed(request: pytest.FixtureRequest, study: Study) -> zipfile.ZipFile:
    content = export_archive(str(study.folder), PATTERN, 2, study.config.lr, request.param)
    return zipfile.ZipFile(io.BytesIO(content))


def test_the_archive_holds_all_that_is_needed(packed: zipfile.ZipFile) -> None:
    assert sorted(packed.namelist()) == ["adapt.json", "adapt.onnx", "adapt.queries.onnx", "on_device.py"]
    about = json.loads(packed.read("adapt.json"))
    assert (about["pattern"], about["steps"], about["study"]) == ("00011", 2, "glyphs-5w1s")


def test_the_program_says_the_classes_of_our_own_engine(packed: zipfile.ZipFile, study: Study) -> None:
    from lambda_core.data import load_dataset
    from lambda_core.episodes import EpisodeBank

    episode = EpisodeBank(load_dataset("glyphs"), "test", 5, 1, 3, seed=4)[0]
    images, queries = episode.support_x.numpy(), episode.query_x.numpy()
    weights = on_device.adapted(Session(packed.read("adapt.onnx")), images, episode.support_y.numpy())
    said = on_device.classes(Session(packed.read("adapt.queries.onnx")), queries, weights, images)
    ours = adapt(study.model(), episode.support_x, episode.support_y, PATTERN, 2, study.config.lr)
    if "support_images" not in {each.name for each in Session(packed.read("adapt.queries.onnx")).get_inputs()}:
        assert said == ours.model(episode.query_x).argmax(1).tolist()
    assert np.mean(np.array(said) == episode.query_y.numpy()) > 0.5


def test_its_times_are_read_back_as_those_of_a_machine(
    packed: zipfile.ZipFile, study: Study, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(on_device, "ROUNDS", 2)
    monkeypatch.setattr(on_device.metadata, "version", lambda _: "1.31.0")
    about = json.loads(packed.read("adapt.json"))
    full = about | {"pattern": "11111", "steps": study.reference_steps}  # what is timed does not matter here
    found = on_device.record([full, about], [Session(packed.read("adapt.onnx"))] * 2)
    (tmp_path / "times.json").write_text(json.dumps(found))
    rows = read_device_times(tmp_path / "times.json", study)
    assert (
        list(zip(rows["pattern"], rows["steps"], strict=True))
        == [("11111", study.reference_steps)] * 2 + [("00011", 2)] * 2
    )
    assert (rows["milliseconds"] > 0).all()
    assert set(rows["torch"]) == {"onnxruntime 1.31.0"}


MANIFESTS = {
    "gone": None,
    "no JSON": b"{",
    "no text": b"\xff",
    "nothing": b"{}",
    "a list": b"[]",
    "deep": b"[" * 99_999,
    "another folder's": b'{"graphs": {"adaptation": {"file": "../../etc/passwd"}}}',
    "no graph": b'{"graphs": {"adaptation": {"file": "adapt.json"}}}',
    "no number": b'{"graphs": {}, "pattern": 1}',
}


@pytest.mark.parametrize("content", MANIFESTS.values(), ids=MANIFESTS)
def test_what_is_no_archive_of_ours_ends_in_a_sentence(content: bytes | None, tmp_path: Path) -> None:
    manifest = tmp_path / "adapt.json"
    if content is not None:
        manifest.write_bytes(content)
    done = _run(str(manifest))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("on_device.py: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_it_says_how_it_is_used(arguments: list[str]) -> None:
    assert "python on_device.py adapt.json episode.npz" in _run(*arguments).stderr


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, on_device.__file__, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
