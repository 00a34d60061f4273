"""Results of a benchmark that goes through the studies."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from lambda_core.system import environment, write_json

RESULTS = Path(__file__).parent / "results"


def record(name: str, conditions: dict[str, Any], found: Iterable[tuple[str, Any]]) -> None:
    """Writes (study's name, its results) one by one, so that a stop loses only the one under way.

    What the file holds of other studies stays, if it was measured under the same conditions.
    """
    path = RESULTS / name
    conditions = {"environment": environment(), **conditions}
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    studies = before.pop("studies", {})
    if before != conditions:
        studies = {}
    for study, result in found:
        studies[study] = result
        write_json(path, conditions | {"studies": dict(sorted(studies.items()))})
    click.echo(f"written to {path}")
