"""What the app's benchmarks have in common: under which load they ran, and where their results go."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import numpy as np
import psutil

from benchmarks.records import RESULTS
from lambda_core.system import processor, write_json

APP = RESULTS / "app.json"
VERSIONS = ("streamlit", "plotly", "pandas", "torch")


def environment() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "processor": processor(),
        "priority": _priority(),
        "python": platform.python_version(),
        **{name: version(name) for name in VERSIONS},
    }


def _priority() -> str:
    """How the scheduler weighs this session against others; beside the load, what a time on a busy machine rests on."""
    place = Path("/proc/self/autogroup")
    return place.read_text().split(maxsplit=1)[-1].strip() if place.exists() else f"nice {os.nice(0)}"


def load() -> float:
    """Processes that wanted a core over the last minute, ours and others'."""
    return round(os.getloadavg()[0], 2)


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and slowest, in milliseconds."""
    values = 1000 * np.asarray(seconds)
    return {"count": len(values), "p50": _whole(np.median(values)), "p95": _whole(np.percentile(values, 95)),
            "most": _whole(values.max())}  # fmt: skip


def _whole(value: float) -> float:
    return round(float(value), 1)


def told(name: str, found: dict[str, float], rest: str = "") -> None:
    """One line of the table."""
    click.echo(f"{name:<44}{found['p50']:>8.0f}{found['p95']:>8.0f}{found['most']:>8.0f} ms  {rest}")


def heading(words: str) -> None:
    click.echo(f"{words} (load average {load():.1f} on {os.cpu_count()} cores)")
    click.echo(f"{'':<44}{'median':>8}{'p95':>8}{'most':>8}")


def store(part: str, found: dict[str, Any]) -> None:
    """Put one benchmark's results beside the others'."""
    everything = json.loads(APP.read_text()) if APP.exists() else {}
    everything[part] = {"environment": environment(), **found}
    write_json(APP, everything)
    click.echo(f"written to {APP}")


def server_process(port: int) -> psutil.Process:
    """The process that listens on the port."""
    for child in psutil.Process().children(recursive=True):
        if str(port) in child.cmdline():
            return child
    raise RuntimeError(f"no child of this process serves port {port}")


def cpu(process: psutil.Process) -> float:
    """Seconds of processor time that it has used."""
    times = process.cpu_times()
    return float(times.user + times.system)
