"""`lambda-core report` and `transfer`: tables over several studies; `check`: whether their files are sound."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from lambda_core.commands.options import (
    confidence_option,
    find_study,
    find_study_or_trainings,
    json_option,
    measured_studies,
    print_result,
    threshold_option,
)
from lambda_core.errors import StudyError


@click.command()
@click.argument("studies", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that are measured: yours, and those of the package.")
@click.option("--claims", is_flag=True, help="Only the paper's claims, by the rules of analysis/claims.toml.")
@json_option
def report(studies: tuple[str, ...], every: bool, claims: bool, as_json: bool) -> None:
    """Print the tables of docs/results.md for the studies named (or all)."""
    from lambda_core.analysis import answerable, as_markdown, claims_markdown, claims_records, report_table
    from lambda_core.selection import SelectionSettings

    if not studies and not every:
        raise click.UsageError("name one or more studies, or --all")
    asked = measured_studies() if every else [find_study_or_trainings(text) for text in studies]
    measured = [study for study in asked if study.measured]
    left_out = [study.not_measured for study in asked if study.not_measured is not None]
    if not measured:
        raise StudyError("; ".join(left_out))
    _say(left_out)
    if not as_json:
        click.echo(claims_markdown(measured) if claims else as_markdown(measured))
        return
    good, notes = answerable(measured, SelectionSettings(1.0))
    _say(notes)
    found = report_table(good).to_json(orient="records", indent=1)
    click.echo(json.dumps(claims_records(good), indent=1, ensure_ascii=False) if claims else found)


def _say(notes: list[str]) -> None:
    """What is left out, on standard error."""
    for note in notes:
        click.echo(note, err=True)


@click.command()
@click.argument("studies", nargs=-1)
@threshold_option(default=1.0)
@confidence_option("the choice, and of each verdict elsewhere")
@click.option("--any-lr", is_flag=True, help="Choose over all step sizes that were swept.")
@json_option
def transfer(studies: tuple[str, ...], threshold: float, confidence: float, any_lr: bool, as_json: bool) -> None:
    """Does a pattern chosen on one study hold on another? All pairs of the studies named (or all that are measured)."""
    from lambda_core.analysis import answerable, transfer_table, transfer_text
    from lambda_core.selection import SelectionSettings

    pairs_of = [find_study(text) for text in studies] or measured_studies()
    settings = SelectionSettings(threshold, confidence, any_lr=any_lr)
    good, notes = answerable(pairs_of, settings)
    if not good:
        raise StudyError("; ".join(notes))
    _say(notes)
    table = transfer_table(good, settings)
    click.echo(table.to_json(orient="records", indent=1) if as_json else transfer_text(table))


@click.command()
@click.argument("studies", nargs=-1)
@click.option("--seal", "add", is_flag=True, help="Add checksums to studies of older versions, as they are now.")
@json_option
def check(studies: tuple[str, ...], add: bool, as_json: bool) -> None:
    """Are the files of the studies named (or of all) what study.json lists? Exit code 1: one of them is not.

    A study of an older version lists no checksums: it is called unchecked.
    """
    from lambda_core.studies import find_folder, known_folders

    folders = [find_folder(text) for text in studies] or [folder for _, folder in known_folders()]
    states = {folder.name: _state(folder, seal_it=add) for folder in folders}
    for name, (state, about) in states.items():
        print_result({"study": name, "state": state, "about": about}, f"{name:28} {state:10} {about}", as_json=as_json)
    sys.exit(1 if any(state == "damaged" for state, _ in states.values()) else 0)


def _state(folder: Path, *, seal_it: bool) -> tuple[str, str]:
    """(sound, unchecked or damaged; a few words about it)."""
    from lambda_core.studies import Study, seal

    try:
        study = Study.load(folder)
        if seal_it and not study.checked:
            seal(folder)
            study = Study.load(folder)
    except StudyError as error:
        return "damaged", str(error)
    if study.metadata.sums is None:
        return "unchecked", "study.json lists no checksums; --seal adds them"
    return "sound", f"{len(study.metadata.sums) + 1} files are what study.json lists"
