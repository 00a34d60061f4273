"""The recipes of docs/scaling.md that need no cluster, run as they are printed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lambda_core.config import SweepConfig
from lambda_core.studies.study import Study
from lambda_core.workflows.measure import sweep_study
from lambda_core.workflows.train import train_study
from tests.training.test_meta_trainer import TINY

pytestmark = pytest.mark.slow

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "scaling.md").read_text(encoding="utf-8")
SETTINGS = "--episodes 22 --queries 4 --max-steps 2"
SWEEP = SweepConfig(episodes=22, queries=4, max_steps=2)


@pytest.mark.parametrize("name", ["Plain processes", "torchrun"])
def test_a_recipe_gives_the_tables_of_one_process(name, root, tmp_path):
    alone = train_study(TINY.but(iterations=2), tmp_path / "alone" / "tiny-study", root=root)
    study = shutil.copytree(alone.folder, tmp_path / "tiny-study")
    run(recipe(name).replace("STUDY", str(study)), root)
    expected = sweep_study(alone, SWEEP, root=root)
    assert Study.load(study).accuracy.equals(expected.accuracy)
    assert len(list((study / "checkpoint" / "sweep").glob("*-*"))) == 6


def recipe(name):
    """The block of commands under a heading."""
    return re.search(rf"### {name}\n\n```bash\n(.*?)```", DOCUMENT, re.DOTALL)[1]


def run(commands, root):
    for verb in ("sweep", "merge"):
        settings = SETTINGS if verb == "sweep" else ""
        commands = re.sub(rf"lambda-core {verb} (\S+)", rf"lambda-core {verb} \1 {settings} --root {root}", commands)
    scripts = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{scripts}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    subprocess.run(["bash", "-ec", commands], env=environment, check=True, capture_output=True, timeout=400)
