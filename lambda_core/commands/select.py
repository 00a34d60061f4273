"""`lambda-core select`, `race` and `search`: the fastest pattern that keeps the accuracy, found in three ways."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import click

from lambda_core.commands.options import (
    axis_option,
    command_line,
    confidence_option,
    given_settings,
    json_option,
    model_argument,
    print_result,
    processes_option,
    root_option,
    settings_options,
    shared_part_option,
    threshold_option,
    trainings_argument,
)
from lambda_core.commands.progress_bar import progress_bar
from lambda_core.config import SearchConfig

if TYPE_CHECKING:
    from lambda_core.selection import Axis, Choice
    from lambda_core.studies import Study


def _bytes(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    """256k → 256,000; 1.5M → 1,500,000."""
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?([kMG]?)B?", text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no number of bytes such as 256k, 1.5M or 200000")
    return int(float(found[1]) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[found[2]])


memory_option = click.option(
    "--memory", callback=_bytes, help="What an adaptation may need at its most, such as 256k or 1.5M bytes."
)


@click.command()
@trainings_argument
@threshold_option()
@confidence_option("the verdicts, over all candidates together")
@click.option("--any-lr", is_flag=True, help="Choose over all step sizes that were swept.")
@memory_option
@axis_option
@click.option("--explain", is_flag=True, help="Show the candidates that decided, as a table.")
@json_option
def select(
    study: Study,
    threshold: float,
    confidence: float,
    any_lr: bool,
    memory: int | None,
    axis: Axis,
    explain: bool,
    as_json: bool,
) -> None:
    """Choose the fastest pattern within a threshold on validation classes; confirm it on test classes.

    A candidate passes if its upper bound of the loss, one of bounds that hold for all candidates at once, is within the
    threshold: for new episodes of these classes with this model. Other thresholds may be tried, and episodes be added.
    Exit code 1: nothing faster than the full pattern passes, or test classes do not confirm the choice.
    """
    from lambda_core.analysis import (
        choose,
        describe_machines,
        describe_populations,
        describe_undecided,
        on_machines,
        populations,
    )
    from lambda_core.selection import SelectionSettings, near_fastest, promise, sentence

    settings = SelectionSettings(threshold, confidence, axis, any_lr, memory=memory)
    choice, confirmation = choose(study, settings)
    seen, machines = populations(study, choice, confidence=confidence), on_machines(study, choice, settings)
    record = {"study": study.name, **choice.as_dict(), "confirmation": confirmation.as_dict()}
    record |= {"for": seen.as_dict(), "machines": [each.as_dict() for each in machines]}
    print_result(record, f"{sentence(choice, confirmation, study.layers)}\n{promise(choice)}", as_json=as_json)
    if not as_json and not choice.is_reference:
        lines = [*describe_populations(seen, threshold), near_fastest(choice), describe_machines(machines)]
        click.echo("\n".join(lines))
    if not as_json:
        for line in describe_undecided(study, choice, confirmation):
            click.echo(line)
    if explain and not as_json:
        click.echo(_explanation(choice))
    sys.exit(0 if confirmation.verdict == "pass" and not choice.is_reference else 1)


def _explanation(choice: Choice) -> str:
    columns = ["pattern", "steps", "lr", "speed_up", "speed_up_low", "speed_up_high", "degradation", "degradation_low",
               "degradation_high", "differing", "p_adjusted", "peak_bytes", "verdict"]  # fmt: skip
    table = choice.verdicts.sort_values("speed_up", ascending=False)
    faster = table[table["speed_up"] >= choice.speed_up]
    return str(faster[columns].to_string(index=False, float_format=lambda value: f"{value:.3g}"))


@click.command()
@model_argument
@threshold_option()
@confidence_option("the choice, whenever the race ends")
@click.option("--cached", is_flag=True, help="Replay on the study's accuracy table, beside the exhaustive choice.")
@click.option("--episodes", default=600, show_default=True, help="The most that a candidate sees, where it runs live.")
@click.option(
    "--any-lr", is_flag=True, help="Race over step sizes, too: those swept, else 0.5, 1, 2 and 4 times the study's own."
)
@memory_option
@axis_option
@processes_option
@shared_part_option
@root_option
@json_option
def race(
    study: Study,
    threshold: float,
    confidence: float,
    cached: bool,
    episodes: int,
    any_lr: bool,
    memory: int | None,
    axis: Axis,
    processes: int | None,
    part: str | None,
    root: str | None,
    as_json: bool,
) -> None:
    """Find the fastest pattern within a threshold for few adaptations: episodes are spent where they decide.

    Runs live on validation episodes, fewest first; finished parts are kept. Exit codes are those of select.
    """
    from lambda_core.selection import SelectionSettings, describe_race

    settings = SelectionSettings(threshold, confidence, axis, any_lr, memory=memory)
    exhaustive = None
    if cached:
        from lambda_core.analysis import race_tables

        result, confirmation, exhaustive = race_tables(study, settings)
    else:
        from lambda_core.measurement import Part
        from lambda_core.workflows import race_live

        shared = Part.parse(part or "1/1")
        with progress_bar(as_json=as_json) as report:
            result, confirmation = race_live(
                study, settings, episodes=episodes, root=root, processes=processes, report=report, part=shared
            )
    record = {"study": study.name, **result.as_dict(), "confirmation": confirmation.as_dict()}
    record["against_exhaustive"] = exhaustive.as_dict() if exhaustive else None
    print_result(record, describe_race(result, confirmation, study.layers, exhaustive), as_json=as_json)
    sys.exit(0 if confirmation.verdict == "pass" and not result.is_reference else 1)


@click.command()
@model_argument
@settings_options(SearchConfig)
@processes_option
@shared_part_option
@root_option
@json_option
def search(
    study: Study, processes: int | None, part: str | None, root: str | None, as_json: bool, **settings: Any
) -> None:
    """Search step × layer patterns for ones that per-layer patterns do not reach; judge them on fresh episodes.

    Writes STUDY/search.parquet; of several parts the first one does.

    Finished parts are kept: run the same command again to go on after a stop.
    """
    from lambda_core.measurement import Part
    from lambda_core.selection import describe_search
    from lambda_core.workflows import search_study

    config, shared = SearchConfig.from_dict(given_settings(settings)), Part.parse(part or "1/1")
    with progress_bar(as_json=as_json) as report:
        done, result = search_study(
            study, config, root=root, processes=processes, command=command_line(), report=report, part=shared
        )
    record = {"study": done.name, "patterns": len(result.accuracy), "adaptations": result.adaptations}
    if shared.number > 1:
        text = f"{done.name}: part {shared} of the search; part 1/{shared.of} writes the table"
    else:
        assert done.search is not None
        text = describe_search(result, done.search)
    print_result(record | ({"part": part} if part else {}), text, as_json=as_json)
