"""All studies below a folder: one bad study never hides the good ones."""

from __future__ import annotations

import os
from pathlib import Path

from lambda_core.errors import StudyError
from lambda_core.studies.checks import refuse_escape
from lambda_core.studies.study import Study
from lambda_core.studies.tables import first_line


def studies_root() -> Path:
    """Where studies lie: $LAMBDA_STUDIES, else cached_results beside the package, else ./cached_results."""
    if chosen := os.environ.get("LAMBDA_STUDIES"):
        return Path(chosen).expanduser().absolute()
    beside = Path(__file__).parents[2] / "cached_results"
    return beside if beside.is_dir() else Path("cached_results")


def list_studies(root: Path | str) -> tuple[list[Study], list[StudyError]]:
    """Every study below `root`, by name, and what is wrong with the others: one bad study never hides the good ones.

    Raises StudyError only where `root` itself cannot be listed; a missing root holds no studies.
    """
    studies: list[Study] = []
    errors: list[StudyError] = []
    for folder in study_folders(root):
        try:
            studies.append(load_checked(folder, root))
        except StudyError as error:
            errors.append(error)
    return studies, errors


def study_folders(root: Path | str) -> list[Path]:
    """The folders below `root` that should hold a study, by name: neither hidden nor in their first training.

    Raises StudyError where `root` cannot be listed; a missing root holds none.
    """
    root = Path(root)
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StudyError(f"the studies in {root} cannot be listed: {first_line(error)}") from error
    return [folder for folder in folders if not _in_training(folder)]


def load_checked(folder: Path, root: Path | str) -> Study:
    """The study in one of the `study_folders` of `root`.

    Raises StudyError that says what is wrong with it; a folder that is a link out of `root` is refused unread.
    """
    refuse_escape(folder, Path(root))
    return Study.load(folder)


def _in_training(folder: Path) -> bool:
    """A checkpoint and no study.json: no study yet, and nothing is wrong with it."""
    try:
        return (folder / "checkpoint").is_dir() and not (folder / "study.json").exists()
    except OSError:  # it cannot be looked into: loading it says why
        return False
