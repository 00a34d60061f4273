"""Command lines of any kind: every command, any of its options, with values that are right, wrong or hostile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from hypothesis import strategies as st

from lambda_core.commands.main import main

SLOW = {  # options that bound the work, last on the line: of two, the last counts
    "train": "--iterations 2 --validation-episodes 2 --pretrain-epochs 0 --filters 4 --ways 2 --queries 1 --steps 1",
    "start": "--ways 2 --filters 4 --backbone conv4",
    "sweep": "--episodes 2 --queries 1 --processes 1 --lr-scale 1",
    "time": "--repeats 1 --threads 1",
    "race": "--episodes 2",
    "search": "--episodes 8 --fresh 2 --beam 1",
    "export": "--steps 1",
    "evaluate": "--steps 1",
}
LEFT_OUT = {"app"}  # it starts a server
HERE = {"--out": ["new", "mine", "a/b/c", "x" * 300, "", "Bad Name"], "--to": ["a.onnx", "a", "", "mine", "x" * 300]}
TEXTS = [
    "", "0", "1", "2", "-1", "nan", "inf", "-inf", "1e999", "9" * 30, "0.5", "0x10", "٣", "x", "tiny", "mine", "glyphs",
    "../../etc/passwd", "/etc/passwd", "..", ".", "a b", "'; rm -rf / #", "$(touch hacked)", "`touch hacked`", "%s%n",
    "--help", "-", "--", "\u202e", "a\nb", "x" * 5000, "cpu", "maml", "00001", "00001/11111", "1,2", "pictures",
    "9" * 400, "4M", "1/8", "3/2", "0.5,1,2", "mine@tiny",
]  # fmt: skip
value = st.one_of(st.sampled_from(TEXTS), st.text(st.characters(exclude_characters="\0"), max_size=12))


def commands(
    group: click.Group = main, before: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command, with the words that call it."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        elif name not in LEFT_OUT:
            yield (*before, name), command


@st.composite
def lines(draw: st.DrawFn, words: tuple[str, ...], command: click.Command) -> list[str]:
    """A command line of this command."""
    line = list(words)
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            line += draw(st.lists(value, min_size=0 if parameter.nargs < 0 else 1, max_size=2))
        elif parameter.required or draw(st.integers(0, 3)) == 0:
            line += _option(draw, parameter)
    return [*line, *SLOW.get(words[-1], "").split()]


def _option(draw: st.DrawFn, parameter: Any) -> list[str]:
    flag = draw(st.sampled_from([*parameter.opts, *parameter.secondary_opts]))
    if parameter.is_flag:
        return [flag]
    if flag in HERE:  # the user's own shell may write anywhere; here it is not to
        return [flag, draw(st.sampled_from(HERE[flag]))]
    if isinstance(parameter.type, click.Choice) and draw(st.booleans()):
        return [flag, str(draw(st.sampled_from(list(parameter.type.choices))))]
    return [flag, draw(value)]


def snapshot(folder: Path, without: Path) -> dict[str, Any]:
    """Everything below a folder, but for what lies in one that may change."""
    paths = [path for path in sorted(folder.rglob("*")) if not path.is_relative_to(without)]
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}
