"""A sweep made in parts, anywhere, killed or not, gives the tables of one process; what does not belong is refused."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from lambda_core.config import SweepConfig
from lambda_core.errors import ConfigError, StudyError
from lambda_core.measurement.parts import Part
from lambda_core.studies.study import Study
from lambda_core.studies.tables import read_table, write_table
from lambda_core.workflows.measure import sweep_study
from lambda_core.workflows.parts import merge_sweep, sweep_part
from lambda_core.workflows.train import train_study
from tests.support.tiny import write_tiny
from tests.training.test_meta_trainer import TINY

pytestmark = pytest.mark.slow

SWEEP = SweepConfig(episodes=22, queries=4, max_steps=2)  # six chunks, two of them short


@pytest.fixture(scope="module")
def trained(tmp_path_factory, root):
    """A study that nobody has measured; tests take copies of it."""
    return train_study(TINY.but(iterations=2), tmp_path_factory.mktemp("trained") / "tiny-study", root=root).folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory, trained, root):
    """As one process measures it."""
    return sweep_study(copy(trained, tmp_path_factory.mktemp("whole")), SWEEP, root=root)


def copy(folder, place):
    return Study.load(shutil.copytree(folder, place / "tiny-study"))


def swept(trained, place, root, parts, config=SWEEP):
    """The folder of a copy in which `parts`, such as 2/3, were swept."""
    study = copy(trained, place)
    for part in parts:
        sweep_part(study, config, Part.parse(part), root=root)
    return study.folder


def assert_same_tables(found, expected):
    for name in ("accuracy", "episodes"):
        assert (found.folder / f"{name}.parquet").read_bytes() == (expected.folder / f"{name}.parquet").read_bytes()


@pytest.mark.parametrize("of", [1, 3, 8])
def test_parts_on_machines_that_share_nothing_give_the_tables_of_one_process(of, trained, whole, root, tmp_path):
    parts = [f"{number}/{of}" for number in range(1, of + 1)]
    random.Random(of).shuffle(parts)
    machines = [swept(trained, tmp_path / str(place), root, parts[place::2]) for place in range(min(of, 2))]
    for order, folders in enumerate((machines, machines[::-1])):
        home = copy(trained, tmp_path / f"home{order}")
        assert_same_tables(merge_sweep(home, folders, root=root), whole)


def test_parts_in_one_folder_need_no_copies(trained, whole, root, tmp_path):
    folder = swept(trained, tmp_path, root, ["2/2", "1/2"])
    assert_same_tables(merge_sweep(Study.load(folder), [], root=root), whole)


def test_what_is_missing_is_told_and_the_rest_kept(trained, whole, root, tmp_path):
    home = copy(trained, tmp_path / "home")
    first = swept(trained, tmp_path / "first", root, ["1/2"])
    with pytest.raises(StudyError, match="3 of 6 parts are not there yet, the first of them val episodes 10 to 19"):
        merge_sweep(home, [first], root=root)
    shutil.rmtree(first)
    sweep_part(home, SWEEP, Part(2, 2), root=root)
    assert_same_tables(merge_sweep(home, [], root=root), whole)


def test_parts_of_other_weights_settings_or_data_are_refused(trained, root, tmp_path):
    home = Study.load(swept(trained, tmp_path / "home", root, ["1/2"]))
    longer = swept(trained, tmp_path / "longer", root, ["2/2"], SWEEP.but(max_steps=3))
    with pytest.raises(StudyError, match=r"other settings \(max_steps 3, not 2\)"):
        merge_sweep(home, [longer], root=root)
    other = train_study(TINY.but(iterations=3), tmp_path / "other" / "tiny-study", root=root)
    sweep_part(other, SWEEP, Part(2, 2), root=root)
    with pytest.raises(StudyError, match="other weights"):
        merge_sweep(home, [other.folder], root=root)
    elsewhere = write_tiny(tmp_path / "data")
    np.save(elsewhere / "tiny" / "images.npy", 255 - np.load(elsewhere / "tiny" / "images.npy"))
    with pytest.raises(StudyError, match="another version"):
        sweep_part(home, SWEEP, Part(2, 2), root=str(elsewhere))


def test_machines_that_compute_other_numbers_are_not_mixed(trained, root, tmp_path):
    home = Study.load(swept(trained, tmp_path / "home", root, ["1/1"]))
    there = swept(trained, tmp_path / "there", root, ["1/1"])
    path = there / "checkpoint" / "sweep" / "val-000000"
    frame = read_table(path, "accuracy")
    write_table(path, "accuracy", frame.assign(accuracy=1 - frame["accuracy"]))
    with pytest.raises(StudyError, match="val episodes 0 to 9 differ"):
        merge_sweep(home, [there], root=root)


def test_a_folder_without_parts_is_told(trained, root, tmp_path):
    home = copy(trained, tmp_path)
    with pytest.raises(StudyError, match="lambda-core sweep --part"):
        merge_sweep(home, [], root=root)
    with pytest.raises(StudyError, match="holds no parts of a sweep"):
        merge_sweep(home, [tmp_path], root=root)


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "-1/3", "1/3/5"])
def test_a_part_that_there_is_not(text):
    with pytest.raises(ConfigError, match="such as 3/8"):
        Part.parse(text)


def test_two_parts_killed_in_turn_go_on_to_the_tables_of_an_undisturbed_run(trained, whole, root, tmp_path):
    folder = copy(trained, tmp_path).folder
    for part in ("1/2", "2/2"):
        process = command(folder, part, root)
        killed_after_a_chunk(process, folder)
        assert process.returncode == -signal.SIGKILL
    made = {path: path.stat().st_mtime_ns for path in folder.rglob("accuracy.parquet")}
    assert 2 <= len(made) < 6, "each was killed in the midst of its work"
    for part in ("1/2", "2/2"):
        assert command(folder, part, root).wait(timeout=300) == 0
    assert all(path.stat().st_mtime_ns == when for path, when in made.items())
    assert_same_tables(merge_sweep(Study.load(folder), [], root=root), whole)


def command(folder, part, root):
    settings = ["--episodes", str(SWEEP.episodes), "--queries", "4", "--max-steps", "2", "--root", root]
    program = [sys.executable, "-m", "lambda_core", "sweep", str(folder), "--part", part, *settings]
    return subprocess.Popen(program, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)


def killed_after_a_chunk(process, folder):
    """Kill it as soon as one more chunk is there."""
    before = len(list(folder.rglob("accuracy.parquet")))
    for _ in range(6000):
        if process.poll() is not None or len(list(folder.rglob("accuracy.parquet"))) > before:
            break
        time.sleep(0.02)
    process.kill()
    process.wait(timeout=60)
