"""Work killed at a random moment and gone on with: its files must be those of an undisturbed run, times aside."""

from __future__ import annotations

import json
import random
import shutil
import signal
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from lambda_core.system import locked
from tests.faults.fork_server import PATIENCE, ForkServer, Outcome, Stop
from tests.support.making import write_pictures
from tests.support.tiny import tiny_dataset, write_dataset, write_tiny

SETTINGS = "--ways 3 --queries 2 --filters 4 --steps 2 --meta-batch 1 --validate-every 25 --validation-episodes 2"
TRAIN = f"train --dataset tiny {SETTINGS} --iterations 55 --pretrain-epochs 2 --out mine"
NETWORK = "--dataset tiny --ways 3 --queries 2 --filters 4"
WAYS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "Ctrl-C": signal.SIGINT, "power cut": 0}
ASKED = (signal.SIGTERM, signal.SIGINT)  # the work may tidy up
TIMES = ["seconds", "milliseconds"]
OF_A_MOMENT = {"created", "files", "sha256", "time"}  # keys of our JSON files that no two runs share
LASTING = ("checkpoint",)


@dataclass(frozen=True)
class Work:
    """A command. start: the folder that it starts from. resume: what is added to go on with it."""

    argv: str
    start: str
    resume: str = ""


WORKS = {
    "train": Work(TRAIN, "data", "--resume"),
    "start": Work(f"start {NETWORK} --weights mine/weights.safetensors --out its", "trained"),
    "sweep": Work("sweep mine --episodes 12 --queries 2 --max-steps 2 --processes 1", "trained"),
    "sweep of two processes": Work("sweep mine --episodes 12 --queries 2 --max-steps 2 --processes 2", "trained"),
    "sweep of other images": Work(
        "sweep mine --dataset other --episodes 4 --queries 2 --max-steps 2 --processes 1", "trained"
    ),
    "time": Work("time mine --repeats 2 --anyway", "swept"),
    "search": Work("search mine --episodes 8 --fresh 12 --beam 2 --processes 1", "swept"),
    "race": Work("race mine --threshold 50 --episodes 12 --processes 1 --json", "timed"),
    "export": Work("export mine --to adapt.onnx", "trained"),
    "data import": Work("data import pictures --name own --size 16", "data"),
    "data import in pieces": Work("data import pictures --name own --size 16 --processes 1", "pictures"),
    "data fetch": Work("data fetch cifar-fs", "data"),
}
NEEDS = {"data fetch": "torchvision", "export": "onnx"}  # of the optional libraries
MADE_BY = {
    "trained": ("data", TRAIN),
    "swept": ("trained", WORKS["sweep"].argv),
    "timed": ("swept", WORKS["time"].argv),
}


def works() -> list[str]:
    """Those that this machine has what they need for."""
    return [name for name in WORKS if name not in NEEDS or find_spec(NEEDS[name])]


class KillHarness:
    """Tries on copies of small studies below `root`. states: where those are kept, of several harnesses together."""

    def __init__(self, server: ForkServer, root: Path, states: Path | None = None) -> None:
        self.server, self.root, self._whole = server, root, {}
        self.states = states or root
        root.mkdir(exist_ok=True)

    def attempt(self, name: str, way: str, seed: int) -> Outcome:
        """Stop the work `name` at a random moment, go on with it, and compare. Raises AssertionError."""
        _, whole = self._undisturbed(name)
        return self.stopped_by(name, _stop(way, random.Random(f"{name} {way} {seed}"), whole))

    def stopped_by(self, name: str, stop: Stop) -> Outcome:
        """The same, stopped so."""
        work, (content, whole) = WORKS[name], self._undisturbed(name)
        folder = self._copy(work.start, "tried")
        stopped = self._run(work.argv, folder, stop)
        where = f"{name}, {stop}:\n{stopped.output[-1500:]}"
        _check_stopped(stopped, where)
        if stop.signal in ASKED and stopped.code not in (whole.code, 130):  # in the first instant of a program
            assert contents(folder) == contents(self.folder(work.start)), where
        resumed = self._run(f"{work.argv} {work.resume}", folder)
        where += f"\nresumed, exit code {resumed.code}:\n{resumed.output[-1500:]}"
        assert resumed.code == whole.code or was_done(resumed.output), where
        found = contents(folder)
        assert found.keys() == content.keys(), f"{found.keys() ^ content.keys()} after {where}"
        others = [path for path in content if found[path] != content[path]]
        assert not others, f"{others} differ after {where}"
        assert name != "race" or _last_line(resumed) == _last_line(whole), where
        return stopped

    def folder(self, state: str) -> Path:
        """The folder of this state (data, pictures, trained, swept or timed), made once."""
        folder = self.states / state
        if not folder.exists():
            with locked(self.states / f".{state}", f"{state} is being made", wait=PATIENCE):
                if not folder.exists():  # another harness has not made it meanwhile
                    self._made(state).rename(folder)
        return folder

    def _made(self, state: str) -> Path:
        if state in MADE_BY:
            before, argv = MADE_BY[state]
            made = self._copy(before, f"{state}.made")
            done = self._run(argv, made)
            assert done.code == 0, done.output
            return made
        made = self.root / f"{state}.made"
        if state == "data":
            write_tiny(made / "data")
            write_dataset(replace(tiny_dataset(), name="other"), made / "data")
        write_pictures(made / "pictures", images=4 if state == "data" else 55)  # 55: more than a piece
        return made

    def _undisturbed(self, name: str) -> tuple[dict[str, Any], Outcome]:
        if name not in self._whole:
            folder = self._copy(WORKS[name].start, "whole")
            outcome = self._run(WORKS[name].argv, folder)
            assert outcome.code in (0, 1), outcome.output
            self._whole[name] = contents(folder), outcome
        return self._whole[name]

    def _copy(self, state: str, name: str) -> Path:
        target = self.root / name
        shutil.rmtree(target, ignore_errors=True)
        return Path(shutil.copytree(self.folder(state), target))

    def _run(self, argv: str, folder: Path, stop: Stop | None = None) -> Outcome:
        places = {"LAMBDA_DATA": str(folder / "data"), "LAMBDA_STUDIES": str(folder)}
        return self.server.run(argv.split(), folder, stop, **places)


def _stop(way: str, chosen: random.Random, whole: Outcome) -> Stop:
    """At any time, or, as often, at a moment at which files change: there is most to lose."""
    if way == "power cut" or chosen.random() < 0.5:
        return Stop(WAYS[way], cut=chosen.randint(1, max(whole.moments, 1)), seed=chosen.randint(0, 999))
    return Stop(WAYS[way], after=chosen.uniform(0, whole.seconds))


def _check_stopped(stopped: Outcome, where: str) -> None:
    assert not stopped.hung, f"hung: {where}"
    assert not stopped.orphans, f"orphans {stopped.orphans}: {where}"
    assert "Traceback" not in stopped.output, where
    if stopped.code == 130:
        assert "lambda-core: interrupted; " in stopped.output, where


def was_done(output: str) -> bool:
    """What was killed just after its last rename has nothing left to do, and says so; the files are compared anyway."""
    return any(said in output for said in ("is already there", "is finished", "holds a study already"))


def _last_line(outcome: Outcome) -> str:
    return outcome.output.splitlines()[-1]


def contents(folder: Path) -> dict[str, Any]:
    """What the files of a folder say, times aside, by their path; of a checkpoint only what should not be there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    shown = [path for path in files if not set(LASTING) & set(path.parts) or _is_left(path)]
    return {str(path.relative_to(folder)): said(path) for path in shown}


def _is_left(path: Path) -> bool:
    return any(part.startswith(".") or part.endswith(".part") for part in path.parts[-3:])


def said(path: Path) -> Any:
    """The content of a file, without what no two runs have in common."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path).drop(columns=TIMES, errors="ignore").to_csv()
    if path.suffix == ".json":
        return _without(json.loads(path.read_text()), OF_A_MOMENT | set(TIMES))
    return path.read_bytes()


def _without(value: Any, keys: set[str]) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without(inner, keys) for key, inner in value.items() if key not in keys}
