"""`lambda-core start`: a study of a network as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lambda_core.commands.options import (
    command_line,
    given_settings,
    json_option,
    print_result,
    root_option,
    settings_options,
)
from lambda_core.config import QUERY_STATISTICS, MetaTrainConfig

SETTINGS = ("dataset", "ways", "shots", "queries", "backbone", "filters", "steps", "lr", "seed")


@click.command()
@settings_options(MetaTrainConfig, SETTINGS)
@click.option("--weights", type=click.Path(path_type=Path), help="Of the network: .safetensors, .pth or .pt.")
@click.option("--head", type=click.Choice(["kept", "zero", "equal"]),
              help="Its last linear map, or zeros, equal rows.  [default: kept where it fits, else zero]")  # fmt: skip
@click.option("--query-statistics", type=click.Choice(QUERY_STATISTICS),
              help="Of its batch normalisations.  [default: stored where the network holds running ones]")  # fmt: skip
@click.option("--size", type=click.IntRange(8, 1024), help="Pixels of a side.  [default: those of the data set]")
@click.option("--half", is_flag=True, help="Keep the weights in half precision: half the size on disk.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the new study.")
@root_option
@json_option
def start(
    weights: Path | None,
    head: str | None,
    query_statistics: str | None,
    size: int | None,
    half: bool,
    out: Path,
    root: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Start a study with a network of your own or of torchvision's, as it is: nothing is trained.

    \b
    lambda-core start --backbone my_networks:small --weights small.safetensors --dataset my-photos --out my-study
    lambda-core start --backbone torchvision:mobilenet_v2 --weights mobilenet_v2.pth
                      --size 96 --dataset my-photos --shots 5 --lr 0.02 --out my-study

    The function is looked for in the working folder, too, and called with those of ways, size, channels and filters
    that it takes; it returns an nn.Sequential of named layers (docs/models.md).
    """
    from lambda_core.workflows import start_study

    config = MetaTrainConfig.from_dict(given_settings(settings))
    options: dict[str, Any] = {
        "weights": weights,
        "head": head,
        "query_statistics": query_statistics,
        "size": size,
        "half": half,
    }
    study = start_study(config, out, **options, root=root, command=command_line())
    record = {"study": str(study.folder), "layers": study.layers, "needs_code": study.needs_code}
    also = f" --backbone {config.backbone}" if study.needs_code else ""
    text = f"{study.folder}: {len(study.layers)} layers ({', '.join(study.layers)}), images of {study.input[0]} pixels"
    print_result(record, f"{text}. Next: lambda-core sweep {out}{also}", as_json=as_json)
