"""Options made from settings; the flags of schema 1 still work beside the new ones."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from lambda_core.commands.main import main
from lambda_core.commands.options import given_settings, settings_options
from lambda_core.config import MetaTrainConfig

RENAMED = [
    ("--meta-batch", "--tasks", "7"),
    ("--max-grad-norm", "--clip", "2.5"),
    ("--max-shift", "--shifts", "3"),
    ("--pretrain-epochs", "--pretrain", "2"),
]


@click.command()
@settings_options(MetaTrainConfig)
def show(**settings):
    click.echo(repr(MetaTrainConfig.from_dict(given_settings(settings))))


@pytest.mark.parametrize(("flag", "former", "value"), RENAMED)
def test_former_flags_do_the_same(flag, former, value):
    now, before = (CliRunner().invoke(show, ["--dataset", "glyphs", each, value]) for each in (flag, former))
    assert now.exit_code == 0, now.output
    assert now.stdout == before.stdout
    assert f"{flag[2:].replace('-', '_')}={value}" in now.stdout


@pytest.mark.parametrize(("flag", "former", "value"), RENAMED)
def test_help_shows_the_new_flags_first(flag, former, value):  # noqa: ARG001
    assert f"{flag}, {former}" in CliRunner().invoke(show, ["--help"]).stdout


def test_switches_have_two_flags():
    result = CliRunner().invoke(show, ["--dataset", "glyphs", "--flips", "--no-rotations"])
    assert "rotations=False, flips=True" in result.stdout


def test_help_imports_neither_torch_nor_pandas():
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from lambda_core.commands.main import main\n"
        "for name in ['--help', *main.commands]:\n"
        "    result = CliRunner().invoke(main, [name, '--help'])\n"
        "    assert result.exit_code == 0, result.output\n"
        "sys.exit(' '.join({'torch', 'pandas', 'numpy', 'scipy'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "lambda_core", "--version"], capture_output=True, text=True, check=True
    )
    assert "version" in done.stdout


def test_every_command_is_there():
    assert set(main.commands) == {
        *(
            "train",
            "start",
            "sweep",
            "merge",
            "time",
            "select",
            "evaluate",
            "report",
            "race",
            "search",
            "transfer",
            "export",
            "check",
            "data",
            "app",
        ),
    }


@pytest.mark.parametrize("text", ["0", "-1", "x", "0.1,,0.2", "0.1,nan", "inf", ""])
def test_step_sizes_that_are_none_are_told(text, tmp_path):
    words = ["export", "glyphs-5w1s", "--lr", text, "--to", str(tmp_path / "adapt.onnx")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "no number above 0, nor one a layer" in result.stderr
