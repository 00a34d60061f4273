"""The same seed, device and threads give the same weights and tables; where they do not, what is stored says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lambda_core.studies import Study
from tests.faults.fork_server import ForkServer
from tests.faults.kills import WORKS, contents
from tests.support.tiny import write_tiny

COMMANDS = ("train", "sweep", "search", "export")


def made(server: ForkServer, folder: Path, *more: str) -> Path:
    write_tiny(folder / "data")
    for name in COMMANDS:
        argv = [*WORKS[name].argv.split(), *(more if name == "train" else ())]
        done = server.run(argv, folder, LAMBDA_DATA=str(folder / "data"), LAMBDA_STUDIES=str(folder))
        assert done.code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def first(server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(server, tmp_path_factory.mktemp("first"))


def test_two_runs_make_the_same_files(server: ForkServer, first: Path, tmp_path: Path) -> None:
    ours, theirs = contents(first), contents(made(server, tmp_path))
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_another_seed_makes_others(server: ForkServer, first: Path, tmp_path: Path) -> None:
    """Else the comparison above would hold nothing."""
    ours, theirs = contents(first), contents(made(server, tmp_path, "--seed", "1"))
    differ = {Path(name).name for name in ours if ours[name] != theirs[name]}
    assert {"weights.safetensors", "accuracy.parquet", "training.parquet", "adapt.onnx"} <= differ


def test_what_decides_a_result_is_stored(first: Path) -> None:
    """So that a mismatch can be explained: settings, data, commands, software, processor and threads."""
    study = Study.load(first / "mine")
    stored = json.loads((first / "mine" / "study.json").read_text())
    assert stored["config"]["seed"] == 0
    assert set(stored["environment"]) >= {"torch", "device", "processor", "threads", "python", "platform"}
    assert len(stored["dataset"]["fingerprint"]) == 64
    assert [command.split()[1] for command in study.metadata.commands] == ["train", "sweep", "search"]
    assert study.metadata.sums is not None
    assert study.metadata.sums["weights.safetensors"] == study.weights_sum
