"""`lambda-core export`: a study's adaptation as ONNX graphs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lambda_core.commands.options import json_option, model_argument, pattern_option, print_result

if TYPE_CHECKING:
    from lambda_core.studies import Study


StepSize = float | tuple[float, ...]  # one for all layers, or one a layer


def _step_sizes(_context: click.Context, _option: click.Parameter, text: str | None) -> StepSize | None:
    """0.05 → 0.05; 0.05,0.1 → (0.05, 0.1)."""
    if text is None:
        return None
    try:
        sizes = tuple(map(float, text.split(",")))
    except ValueError:
        sizes = ()
    if not sizes or not all(0 < each < math.inf for each in sizes):
        raise click.BadParameter(f"{text!r} is no number above 0, nor one a layer such as 0.05,0.05,0.1")
    return sizes if len(sizes) > 1 else sizes[0]


@click.command()
@model_argument
@pattern_option
@click.option("--steps", type=click.IntRange(1, 1000), help="Inner steps.  [default: the study's]")
@click.option("--lr", callback=_step_sizes, help="Inner step size, or one a layer: 0.05,0.1,…  [default: the study's]")
@click.option("--query-statistics", type=click.Choice(["transductive", "support"]), default="transductive",
              show_default=True, help="Statistics that normalise the queries.")  # fmt: skip
@click.option("--to", required=True, type=click.Path(path_type=Path), help="The file to write, such as adapt.onnx.")
@json_option
def export(
    study: Study,
    pattern: str,
    steps: int | None,
    lr: StepSize | None,
    query_statistics: str,
    to: Path,
    as_json: bool,
) -> None:
    """Write the adaptation as ONNX: support images and labels in, adapted weights out; it runs without torch.

    Beside it: a graph for the queries (.queries.onnx) and a manifest (.json). Checked against the definition.
    """
    from lambda_core.patterns import LambdaPattern
    from lambda_core.workflows import export_study

    parsed = LambdaPattern.parse(pattern, len(study.layers))
    done = export_study(study, parsed, to, steps=steps, lr=lr, query_statistics=query_statistics)
    record = done.manifest | {"files": [str(each) for each in (done.adaptation, done.queries, done.record)]}
    print_result(record, f"{study.name}, {parsed}: {_text(record)}", as_json=as_json)


def _text(record: dict[str, Any]) -> str:
    time, checked = record["time"], record["checked"]
    took = f"{time['milliseconds']:.2f} ms in {time['by']}, one thread; " if time else ""
    difference = f"{checked['relative_difference']:.0e} from the definition in {checked['by']}"
    return f"{took}{difference}\nwritten: {', '.join(record['files'])}"
