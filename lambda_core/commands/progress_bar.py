"""How a command shows its progress on standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from lambda_core.system import Progress, Report

LINE_EVERY = 10.0  # seconds between two lines, where no bar can be drawn


@contextmanager
def progress_bar(*, as_json: bool = False) -> Iterator[Report]:
    """A bar on a terminal; elsewhere a line every few seconds, as JSON where that is asked for."""
    if as_json or not sys.stderr.isatty():
        yield _line_reporter(_json_line if as_json else _text_line)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}")]
    with Bars(*columns, TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=Console(stderr=True)) as bars:
        task = bars.add_task("", note="")

        def show(p: Progress) -> None:
            note = f"{p.rate:.2f}/s " + " ".join(f"{name} {value:.3f}" for name, value in p.values.items())
            bars.update(task, description=p.what, completed=p.done, total=p.total, note=note)

        yield show


def _line_reporter(line_of: Callable[[Progress], str]) -> Report:
    last = -LINE_EVERY

    def show(p: Progress) -> None:
        nonlocal last
        if time.monotonic() - last < LINE_EVERY and p.done < p.total:
            return
        last = time.monotonic()
        click.echo(line_of(p), err=True)

    return show


def _json_line(p: Progress) -> str:
    record = {"what": p.what, "done": p.done, "total": p.total, "rate": p.rate, "left_s": p.left}
    return json.dumps(record | p.values)


def _text_line(p: Progress) -> str:
    numbers = "".join(f", {name} {value:.3f}" for name, value in p.values.items())
    return f"{p.what}: {p.done}/{p.total}, {p.rate:.2f}/s, {p.left:.0f} s left{numbers}"
