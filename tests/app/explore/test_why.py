"""A badge opens what its verdict rests on, as the engine says it, and what would decide an open one."""

from __future__ import annotations

import re
import shlex
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from app.explore.paired_picture import BARS, paired_picture
from app.figures.palette import DARK
from app.shared import job_words, selection_cache
from lambda_core.commands import main as command_line
from lambda_core.config import SweepConfig
from lambda_core.jobs import list_jobs
from lambda_core.selection import Interval
from lambda_core.studies import Study
from tests.app.conftest import Open, checked, said


def opened(open_page: Open, key: str, **address: str):
    app = open_page(**address)
    app.session_state[key] = True
    return checked(app.run())


def test_the_choice_says_differences_correction_rivals_and_command(open_page: Open, studies: Path) -> None:
    app = opened(open_page, "why-pass-choice", study="cifar-fs-5w1s")
    text = said(app)
    assert "**300 validation episodes**" in text
    assert "**Corrected for 310 candidates**" in text
    assert re.search("Tied rivals|No rival", text)
    (command,) = (code.value for code in app.code if code.value.startswith("lambda-core select"))
    words = shlex.split(command)
    words[2] = str(studies / words[2])
    done = CliRunner().invoke(command_line.main, words[1:])
    assert done.exit_code in (0, 1), done.output


def test_nothing_is_worked_out_before_it_is_opened(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection_cache, "paired_differences", lambda *_: pytest.fail("worked out unasked"))
    open_page(study="cifar-fs-5w1s")


def test_paired_differences_have_the_mean_of_the_table(study: Study, table: pd.DataFrame) -> None:
    row = table[(table["pattern"] == "01110") & (table["steps"] == 3)].iloc[0]
    lost = selection_cache.paired_differences(study, row, "val")
    assert lost.mean() == pytest.approx(row["degradation"], abs=1e-4)
    assert np.count_nonzero(lost) == row["differing"]


def test_an_open_verdict_says_what_would_decide_and_starts_it(
    open_page: Open, study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMBDA_JOBS", str(tmp_path))
    choice, _ = selection_cache.choose(study, selection_cache.SelectionSettings(threshold=1.0))
    row = choice.verdicts[choice.verdicts["verdict"] == "undecided"].iloc[0]
    asked = {"pattern": row["pattern"], "steps": str(row["steps"])}
    app = opened(open_page, "why-undecided-current", study="cifar-fs-5w1s", **asked)
    needed = re.search(r"about ([0-9,]+) episodes a split, if it goes on like this \(300 now\)", said(app))
    assert needed is not None
    assert int(needed[1].replace(",", "")) > 300
    monkeypatch.setattr("app.explore.why.start_job", partial(start_echo, tmp_path))
    checked(next(button for button in app.button if button.label == "Sweep them now").click().run())
    (job,) = list_jobs(tmp_path)
    assert job.argv[0] == "sweep"
    assert needed[1].replace(",", "") in job.argv


def start_echo(root: Path, argv: list[str], study: str) -> None:
    from lambda_core.jobs import start_job

    start_job(argv, study, root=root, engine=("echo",))


def test_a_command_names_only_what_is_not_usual() -> None:
    assert job_words.command("sweep", "a", SweepConfig()) == "lambda-core sweep a"
    assert (
        job_words.command("sweep", "a", SweepConfig(episodes=700, seed=3))
        == "lambda-core sweep a --episodes 700 --seed 3"
    )


def test_the_picture_has_words_and_every_episode() -> None:
    html = paired_picture(np.array([-2.0, 0, 0, 3]), Interval(0.25, -1, 1.5), 1.0, "what it shows <1>", DARK)
    assert 'alt="what it shows &lt;1&gt;"' in html
    assert html.count("%3Crect") == BARS + 1
