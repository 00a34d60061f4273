"""`lambda-core data`: prepared data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lambda_core.commands.options import json_option, print_result, processes_option, root_option
from lambda_core.commands.progress_bar import progress_bar
from lambda_core.system import Progress


@click.group()
def data() -> None:
    """Prepared data sets: list, fetch, import, show."""


@data.command("list")
@root_option
@json_option
def data_list(root: str | None, as_json: bool) -> None:
    """What data sets there are, and which are at hand."""
    from lambda_core.data import list_datasets

    for info in list_datasets(root):
        print_result(vars(info), f"{info.name:12} {info.state:12} {info.summary}", as_json=as_json)


@data.command("fetch")
@click.argument("name")
@root_option
def data_fetch(name: str, root: str | None) -> None:
    """Download and prepare cifar-fs, fc100 or omniglot (through torchvision)."""
    from lambda_core.data import fetch

    with progress_bar() as report:
        folder = fetch(name, root, lambda done, total, what: report(Progress(what, done, total, 0.0, 0.0)))
    click.echo(f"{name} is ready in {folder}")


@data.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Name of the new data set: small letters, digits and hyphens.")
@click.option("--size", default=32, show_default=True, help="Side of the square images, in pixels.")
@click.option("--channels", type=click.Choice(["1", "3"]), default="3", show_default=True, help="1: grey, 3: colour.")
@click.option("--val", default=0.2, show_default=True, help="Share of the classes kept for validation.")
@click.option(
    "--test",
    default=0.2,
    show_default=True,
    help="Share of the classes kept for test; with that for validation 1: none to train.",
)
@click.option("--seed", default=0, show_default=True, help="Of the division of the classes.")
@processes_option
@root_option
def data_import(folder: Path, name: str, channels: str, root: str | None, **options: Any) -> None:
    """Prepare FOLDER, one folder of images a class (or train, val and test folders of such).

    A stopped import of many images goes on where it was: run the same command again.
    """
    from lambda_core.data import import_folder, passed_over

    with progress_bar() as report:
        prepared = import_folder(folder, name, root, channels=int(channels), report=report, **options)
    click.echo(f"{name} is ready in {prepared}")
    if others := passed_over(folder):
        names = ", ".join(path.name for path in others[:3]) + (", …" if len(others) > 3 else "")
        click.echo(f"{len(others)} files were passed over, being no PNG, JPEG or WebP images: {names}", err=True)


@data.command("show")
@click.argument("name")
@root_option
@json_option
def data_show(name: str, root: str | None, as_json: bool) -> None:
    """Classes, images, shape, splits and source of a data set."""
    from lambda_core.data import describe, load_dataset

    facts = describe(load_dataset(name, root))
    print_result(facts, "\n".join(f"{key:16} {value}" for key, value in facts.items()), as_json=as_json)
