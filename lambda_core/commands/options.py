"""Options that several commands share, made from the settings that they set."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, fields
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lambda_core.config import Settings, kind
from lambda_core.errors import StudyError

if TYPE_CHECKING:
    from lambda_core.studies import Study

F = TypeVar("F", bound=Callable[..., Any])

MOST_PROCESSES = 1024
UNITS = {"M": 10**6, "G": 10**9}
ARGV = "lambda_core.argv"  # where click's context keeps what was typed

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
root_option = click.option(
    "--root",
    type=click.Path(file_okay=False),
    help="Folder of prepared data sets (default: $LAMBDA_DATA, else the user's cache folder).",
)


def _number_of_processes(context: click.Context, parameter: click.Parameter, value: str) -> int | None:  # noqa: ARG001
    if value == "auto":
        return None
    if not value.isdigit() or not 1 <= int(value) <= MOST_PROCESSES:
        raise click.BadParameter(f"auto or a number from 1 to {MOST_PROCESSES}, not {value!r}")
    return int(value)


processes_option = click.option(
    "--processes",
    default="auto",
    show_default=True,
    callback=_number_of_processes,
    help="Processes of one thread each; auto: one a core.",
)
shared_part_option = click.option(
    "--part",
    help="One of several processes that share STUDY's folder, such as 3/8: it runs its part of each round first, then "
    "what is missing of the others'. All end with the same result.",
)
pattern_option = click.option(
    "--pattern",
    default="maml",
    show_default=True,
    help="Lambda pattern: digits, or anil, norm, last2 and the like.",
)


def _bytes(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:  # noqa: ARG001
    if value is None:
        return None
    found = re.fullmatch(r"(\d{1,6}) ?([MG])B?", value.strip().upper())
    if found is None or int(found[1]) == 0:
        raise click.BadParameter(f"a size such as 512M or 4G, not {value[:40]!r}")
    return int(int(found[1]) * UNITS[found[2]])


def memory_limit_option(what: str) -> Callable[[F], F]:
    """--memory-limit, in bytes. what: holds them."""
    text = f"The most that {what} may hold at once, such as 512M or 4G, beside images and weights."
    return click.option("--memory-limit", callback=_bytes, help=text)


axis_option = click.option(
    "--axis",
    type=click.Choice(["milliseconds", "multiply_adds"]),
    default="milliseconds",
    show_default=True,
    help="What faster means.",
)


def threshold_option(default: float | None = None) -> Callable[[F], F]:
    """--threshold, in points; required where there is no default."""
    text = "Allowed degradation, in percentage points."
    if default is None:
        return click.option("--threshold", required=True, type=float, help=text)
    return click.option("--threshold", default=default, show_default=True, help=text)


def confidence_option(of: str) -> Callable[[F], F]:
    """--confidence. of: what it is the confidence of."""
    return click.option("--confidence", default=0.95, show_default=True, help=f"Of {of}.")


def settings_options(cls: type[Settings], only: Sequence[str] = ()) -> Callable[[F], F]:
    """One command-line option for each field of a config dataclass: its name, type, help and default.

    only: the names of these; else all.
    """

    def decorate(command: F) -> F:
        for item in reversed([item for item in fields(cls) if not only or item.name in only]):  # type: ignore[arg-type]
            command = _option(item)(command)
        return command

    return decorate


def _option(item: Field[Any]) -> Callable[[F], F]:
    """The option of a setting; the flag of its former name does the same."""
    names = [item.name, *filter(None, [item.metadata["formerly"]])]
    flag, *former = (f"--{name.replace('_', '-')}" for name in names)
    required = item.default is MISSING
    text = item.metadata["help"] + ("" if required else f"  [default: {item.default}]")
    if kind(item) is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", item.name, default=None, help=text)
    choices = item.metadata["choices"]
    form = click.Choice(choices) if choices and not item.metadata["form"] else kind(item)
    return click.option(flag, *former, item.name, type=form, required=required, help=text)


def given_settings(values: dict[str, Any]) -> dict[str, Any]:
    """The settings that were typed; the others keep their defaults."""
    return {name: value for name, value in values.items() if value is not None}


def study_argument(command: F) -> F:
    """The argument STUDY, loaded and checked."""
    return _found_by(find_study, command)


def model_argument(command: F) -> F:
    """The argument STUDY, and --backbone: the user's own code, for a study whose network nothing else can make."""

    @study_argument
    @click.option(
        "--backbone", help="package.module:function of yours that makes the study's network, where it is one."
    )
    @wraps(command)
    def wrapped(study: Study, backbone: str | None, **options: Any) -> Any:
        return command(study if backbone is None else study.with_code(backbone), **options)

    return wrapped  # type: ignore[return-value]


def trainings_argument(command: F) -> F:
    """The argument STUDY, or the common name of several trainings, loaded and checked."""
    return _found_by(find_study_or_trainings, command)


def _found_by(find: Callable[[str], Study], command: F) -> F:
    @click.argument("study")
    @wraps(command)
    def wrapped(study: str, **options: Any) -> Any:
        return command(find(study), **options)

    return wrapped  # type: ignore[return-value]


def find_study(text: str) -> Study:
    """The study in folder `text`, or of that name among the known ones. Raises StudyError."""
    from lambda_core.studies import Study

    return Study.load(text)


def find_study_or_trainings(text: str) -> Study:
    """The study of that name or, where it is the common name of several trainings, all of them as one. StudyError."""
    from pathlib import Path

    from lambda_core.analysis import find_trainings, pooled
    from lambda_core.studies import studies_root

    for place in (Path(text), studies_root() / Path(text).name):
        if not place.exists() and (found := find_trainings(place)):
            return pooled(found)
    return find_study(text)


def measured_studies() -> list[Study]:
    """All known studies that can be chosen from. Raises StudyError where there is none."""
    from lambda_core.studies import known_folders, load_checked, studies_root

    studies: list[Study] = []
    for root, folder in known_folders():
        try:
            studies.append(load_checked(folder, root))
        except StudyError as error:  # one bad study hides no good one
            click.echo(f"{folder.name} is left out: {error}", err=True)
    if measured := [study for study in studies if study.measured]:
        return measured
    raise StudyError(f"no study in {studies_root()} is measured yet; lambda-core sweep and time measure one")


def command_line() -> str:
    """What was typed, for study.json: `lambda-core …`, whichever way it was started; --resume changes no result."""
    argv = click.get_current_context().find_root().meta[ARGV]
    return shlex.join(["lambda-core", *(word for word in argv if word != "--resume")])


def print_result(record: dict[str, Any], text: str, *, as_json: bool) -> None:
    """The record as JSON, or the text for a person."""
    click.echo(json.dumps(record, default=str) if as_json else text)
