"""`lambda-core train`: from a data set to a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lambda_core.commands.options import (
    command_line,
    find_study,
    given_settings,
    json_option,
    memory_limit_option,
    print_result,
    root_option,
    settings_options,
)
from lambda_core.commands.progress_bar import progress_bar
from lambda_core.config import RECIPES, MetaTrainConfig

if TYPE_CHECKING:
    from lambda_core.studies import Study


@click.command()
@settings_options(MetaTrainConfig)
@click.option("--start-from", help="A study of the same backbone, or a file of weights, to begin with.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the new study.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint, to the result of an unbroken run.")
@click.option("--seeds", type=click.IntRange(1, 100), help="Trainings, each a study: OUT-seed0, OUT-seed1, …")
@click.option("--stop-at", type=click.IntRange(1), help="Stop after so many iterations, to go on another time.")
@click.option("--threads", default=1, show_default=True, help="CPU threads.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@memory_limit_option("a meta-gradient")
@root_option
@json_option
def train(
    start_from: str | None,
    out: Path,
    resume: bool,
    seeds: int | None,
    stop_at: int | None,
    threads: int,
    device: str,
    memory_limit: int | None,
    root: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Meta-train a model and start a study with it.

    \b
    lambda-core train --dataset glyphs --ways 5 --shots 1 --out my-study
    lambda-core train --dataset glyphs --ways 5 --shots 1 --out my-study --resume
    lambda-core train --dataset glyphs --ways 5 --shots 1 --out my-study --seeds 5

    Trainings under several seeds are studies of their own; select and report take their common name, OUT, for all.
    More processes: torchrun --nproc-per-node 2 -m lambda_core train … (they share the tasks of a meta-gradient).
    Settings that are not given follow the data set's recipe. The weights kept are those best on validation classes.
    A network of your own: --backbone package.module:function, looked for in the working folder, too.
    """
    from lambda_core.system import best_device
    from lambda_core.workflows import train_seeds, train_study

    given = given_settings(settings)
    beginning = None if start_from is None else _beginning(start_from)
    config = MetaTrainConfig.from_dict(RECIPES.get(given["dataset"], {}) | _network_of(beginning) | given)
    device = best_device() if device == "auto" else device
    with progress_bar(as_json=as_json) as report:
        options: dict[str, Any] = {
            "root": root,
            "resume": resume,
            "stop_at": stop_at,
            "threads": threads,
            "device": device,
            "memory_limit": memory_limit,
            "command": command_line(),
            "start_from": beginning,
            "report": report,
        }
        if seeds is not None:
            studies = train_seeds(config, out, seeds, **options)
        else:
            study = train_study(config, out, **options)
            studies = [study] if study else []  # of torchrun's processes the first tells
    for study in studies:
        _print_trained(study, as_json=as_json)


def _beginning(text: str) -> Study | Path:
    """The file of weights, or the study of that name. Raises StudyError."""
    return Path(text) if Path(text).is_file() else find_study(text)


def _network_of(beginning: Study | Path | None) -> dict[str, Any]:
    """The settings of a study that say which network it is."""
    if beginning is None or isinstance(beginning, Path):
        return {}
    return {name: getattr(beginning.config, name) for name in ("backbone", "filters", "query_statistics")}


def _print_trained(study: Study, *, as_json: bool) -> None:
    best = study.training["val_accuracy"].max()
    done = study.metadata.iterations_done
    record = {"study": str(study.folder), "iterations": done, "best_val_accuracy": float(best)}
    text = f"{study.folder}: {done} iterations, best validation score {best:.4f}"
    sinusoid = study.config.dataset == "sinusoid"
    next_step = "open it in the app" if sinusoid else f"lambda-core sweep {study.folder}"
    print_result(record, f"{text}. Next: {next_step}", as_json=as_json)
