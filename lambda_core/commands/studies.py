"""`lambda-core report` and `transfer`: tables over several studies."""

from __future__ import annotations

import click

from lambda_core.commands.options import (
    confidence_option,
    find_study,
    json_option,
    measured_studies,
    threshold_option,
)


@click.command()
@click.argument("studies", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that are measured: yours, and those of the package.")
@json_option
def report(studies: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Print the table of docs/results.md for the studies named (or all)."""
    from lambda_core.analysis import as_markdown, report_table

    if not studies and not every:
        raise click.UsageError("name one or more studies, or --all")
    measured = measured_studies() if every else [study for study in map(find_study, studies) if study.measured]
    click.echo(report_table(measured).to_json(orient="records", indent=1) if as_json else as_markdown(measured))


@click.command()
@click.argument("studies", nargs=-1)
@threshold_option(default=1.0)
@confidence_option("the choice, and of each verdict elsewhere")
@click.option("--any-lr", is_flag=True, help="Choose over all step sizes that were swept.")
@json_option
def transfer(studies: tuple[str, ...], threshold: float, confidence: float, any_lr: bool, as_json: bool) -> None:
    """Does a pattern chosen on one study hold on another? All pairs of the studies named (or all that are measured)."""
    from lambda_core.analysis import transfer_table, transfer_text
    from lambda_core.selection import SelectionSettings

    pairs_of = [find_study(text) for text in studies] or measured_studies()
    table = transfer_table(pairs_of, SelectionSettings(threshold, confidence, any_lr=any_lr))
    click.echo(table.to_json(orient="records", indent=1) if as_json else transfer_text(table))
