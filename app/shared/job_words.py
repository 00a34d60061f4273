"""Work on a study as the command line takes it: for a job, or to copy into a shell."""

from __future__ import annotations

from dataclasses import fields

from lambda_core.config import Settings, kind
from lambda_core.studies import studies_root


def as_options(config: Settings) -> list[str]:
    """The settings as options for the command line; an empty text is left out."""
    return [word for item in fields(config) for word in _option(config, item.name)]  # type: ignore[arg-type]


def command(work: str, study: str, config: Settings) -> str:
    """What to type for that work: the settings that are not the usual ones, behind the name of the study."""
    usual = type(config)()
    names = [item.name for item in fields(config)]  # type: ignore[arg-type]
    own = [word for name in names if getattr(config, name) != getattr(usual, name) for word in _option(config, name)]
    return " ".join(["lambda-core", work, study, *own])


def place(study: str) -> str:
    """What names a study on the command line: one that came with the package is known by its name alone."""
    return f"{studies_root().name}/{study}" if (studies_root() / study).is_dir() else study


def _option(config: Settings, name: str) -> list[str]:
    item = next(item for item in fields(config) if item.name == name)  # type: ignore[arg-type]
    value, flag = getattr(config, name), f"--{name.replace('_', '-')}"
    if kind(item) is bool:
        return [flag if value else f"--no-{flag[2:]}"]
    return [] if value == "" else [flag, str(value)]
