"""`lambda-core sweep`, `merge`, `time` and `evaluate`: what a study's model is worth under each pattern."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lambda_core.commands.options import (
    command_line,
    given_settings,
    json_option,
    memory_limit_option,
    model_argument,
    pattern_option,
    print_result,
    processes_option,
    root_option,
    settings_options,
    study_argument,
)
from lambda_core.commands.progress_bar import progress_bar
from lambda_core.config import QUERY_STATISTICS, SweepConfig, TimingConfig
from lambda_core.system import alone

if TYPE_CHECKING:
    from lambda_core.studies import Study


@click.command()
@model_argument
@settings_options(SweepConfig)
@click.option("--part", help="Make one of several parts only, such as 3/8; `lambda-core merge` brings them together.")
@processes_option
@memory_limit_option("all processes together")
@click.option("--dataset", help="Another data set to measure on: makes the study STUDY@DATASET.")
@click.option("--invert", is_flag=True, help="With --dataset: swap dark and light.")
@root_option
@json_option
def sweep(
    study: Study,
    part: str | None,
    processes: int | None,
    memory_limit: int | None,
    dataset: str | None,
    invert: bool,
    root: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Measure patterns, all if not told otherwise, at every step count on validation and test classes.

    \b
    lambda-core sweep my-study
    lambda-core sweep my-study --dataset hand-signs

    The second makes my-study@hand-signs, a study of its own: the same model, measured on other images, which are
    brought to the size and channels that the network takes.
    Finished parts are kept: run the same command again to go on after a stop.
    """
    from lambda_core.measurement import Part
    from lambda_core.workflows import on_dataset, sweep_part, sweep_study

    if invert and dataset is None:
        raise click.UsageError("--invert goes with --dataset")
    config = SweepConfig.from_dict(given_settings(settings))
    if dataset is not None:
        study = on_dataset(study, dataset, queries=config.queries, inverted=invert, root=root)
        _say(study.unlike)
    with progress_bar(as_json=as_json) as report:
        work: dict[str, Any] = {
            "root": root,
            "processes": processes,
            "memory_limit": memory_limit,
            "report": report,
        }
        if part is not None:
            done = sweep_part(study, config, Part.parse(part), **work)
        else:
            done = sweep_study(study, config, command=command_line(), **work)
    _tell_sweep(done, config, part, as_json=as_json)


def _tell_sweep(study: Study, config: SweepConfig, part: str | None, *, as_json: bool) -> None:
    record = {"study": study.name, "episodes": config.episodes} | ({"part": part} if part else {})
    if part:
        text, following = f"{study.name}: part {part} of {config.episodes} episodes a split", f"merge {study.folder}"
    else:
        text = f"{study.name}: {config.episodes} episodes of validation and of test classes"
        following = f"time {study.folder}" if study.timing is None else f"select {study.folder} --threshold 1"
    print_result(record, f"{text}. Next: lambda-core {following}", as_json=as_json)


def _say(unlike: str | None) -> None:
    """On standard error, where the images are unlike those that the network learned on."""
    if unlike:
        click.echo(f"{unlike} --invert swaps dark and light." if "swapped" in unlike else unlike, err=True)


@click.command()
@study_argument
@click.argument("copies", nargs=-1, type=click.Path(path_type=Path))
@root_option
@json_option
def merge(study: Study, copies: tuple[Path, ...], root: str | None, as_json: bool) -> None:
    """Bring the parts of a sweep together, those made in STUDY and in COPIES of it, and write its tables.

    They are the same, bit for bit, as those of one process on such a machine. Parts of other weights, data or settings
    are refused.
    """
    from lambda_core.workflows import merge_sweep

    done = merge_sweep(study, copies, root=root, command=command_line())
    assert done.sweep_config is not None
    _tell_sweep(done, done.sweep_config, None, as_json=as_json)


@click.command("time")
@model_argument
@settings_options(TimingConfig)
@click.option("--memory-only", is_flag=True, help="Time nothing: only count anew what each candidate needs in memory.")
@click.option(
    "--from", "file", type=click.Path(path_type=Path), help="Times of exported graphs that a device took: times.json."
)
@click.option("--anyway", is_flag=True, help="Time on a machine where others are at work, too.")
@root_option
@json_option
def time_command(
    study: Study,
    memory_only: bool,
    file: Path | None,
    anyway: bool,
    root: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Time the patterns of the sweep at every step count, interleaved, on this machine, and count their memory.

    Refuses to share the machine with other work.

    --from FILE times nothing here: it adds what on_device.py, beside exported graphs, timed on another device.
    """
    from lambda_core.workflows import add_device_times, count_memory, time_study

    if file is not None:
        done = add_device_times(study, file, command=command_line())
        print_result({"study": done.name, "from": str(file)}, f"{done.name}: times of {file} added", as_json=as_json)
        return
    if memory_only:
        done = count_memory(study)
        print_result({"study": done.name, "memory": _memory(done)}, _memory_text(done), as_json=as_json)
        return
    config = TimingConfig.from_dict(given_settings(settings))
    with alone(anyway=anyway), progress_bar(as_json=as_json) as report:
        done = time_study(study, config, root=root, command=command_line(), report=report)
    record = {"study": done.name, "repeats": config.repeats, "memory": _memory(done)}
    text = f"{done.name}: {config.repeats} rounds on {config.device}, {config.threads} thread(s)\n{_memory_text(done)}"
    print_result(record, f"{text}\nNext: lambda-core select {study.folder} --threshold 1", as_json=as_json)


def _memory(study: Study) -> dict[str, dict[str, int]]:
    """Peak bytes of all layers, and of the last alone, at the study's own steps."""
    layers = len(study.layers)
    peaks = {text: study.peak(text, study.config.steps) for text in ("1" * layers, "0" * (layers - 1) + "1")}
    return {text: vars(peak) for text, peak in peaks.items() if peak is not None}


def _memory_text(study: Study) -> str:
    kilobytes = {text: sum(parts.values()) / 1000 for text, parts in _memory(study).items()}
    parts = [f"{text} {value:,.0f} kB" for text, value in kilobytes.items()]
    return f"{study.name}, the most memory at once, {study.config.steps} steps: {', '.join(parts)}"


@click.command()
@model_argument
@click.option("--episodes-from", "folder", required=True, type=click.Path(path_type=Path), help="Folder of episodes.")
@pattern_option
@click.option("--steps", type=click.IntRange(0, 1000), help="Inner steps.  [default: the study's]")
@click.option("--query-statistics", type=click.Choice(QUERY_STATISTICS), default="transductive",
              show_default=True, help="Statistics that normalise the queries.")  # fmt: skip
@click.option("--invert", is_flag=True, help="Swap dark and light.")
@json_option
def evaluate(
    study: Study, folder: Path, pattern: str, steps: int | None, query_statistics: str, invert: bool, as_json: bool
) -> None:
    """Score a study on fixed episodes: <episode>/support/<class>/*.png and <episode>/query/<class>/*.png."""
    from lambda_core.measurement import evaluate_folder
    from lambda_core.patterns import LambdaPattern

    steps = study.config.steps if steps is None else steps
    parsed = LambdaPattern.parse(pattern, len(study.layers))
    evaluation = evaluate_folder(study, folder, parsed, steps, query_statistics, inverted=invert)
    half = "" if evaluation.half_width is None else f" ± {100 * evaluation.half_width:.2f}"
    accuracy = f"{100 * evaluation.accuracy:.2f}{half} %"
    _say(evaluation.unlike)
    over = f"over {evaluation.episodes} episodes ({evaluation.query_statistics})"
    text = f"{study.name}, {parsed}, {steps} steps: {accuracy} {over}"
    print_result(vars(evaluation) | {"study": study.name}, text, as_json=as_json)
