"""Where studies lie: those of the user, and those that came with the package."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from lambda_core.errors import StudyError
from lambda_core.studies.metadata_checks import check_name

_CHECKOUT = Path(__file__).parents[2] / "cached_results"
_INSTALLED = Path(__file__).parents[1] / "cached_results"  # setup.py puts them there


def studies_root() -> Path:
    """Where studies are made: $LAMBDA_STUDIES, else cached_results of the checkout, else the user's data folder."""
    if chosen := os.environ.get("LAMBDA_STUDIES"):
        return Path(chosen).expanduser().absolute()
    return _CHECKOUT if _CHECKOUT.is_dir() else Path(platformdirs.user_data_dir("lambda-lab")) / "studies"


def studies_roots() -> list[Path]:
    """The folders to look for a study in, first one first: the user's, then what was installed with the package."""
    named = "LAMBDA_STUDIES" in os.environ
    return [studies_root(), *([_INSTALLED] if _INSTALLED.is_dir() and not named else [])]


def find_folder(text: str) -> Path:
    """The folder `text`, or that of the study of this name below one of the roots. Raises StudyError."""
    if is_folder(text):
        return Path(text)
    if os.sep in text:
        raise StudyError(f"no study lies in {text[:200]}: there is no such folder")
    check_name(text, domain=True)
    for root in studies_roots():
        if (root / text).is_dir():
            return root / text
    names = sorted({path.name for root in studies_roots() for path in root.glob("*/")})
    raise StudyError(f"there is no folder {text} and no study of that name; known are: {', '.join(names) or 'none'}")


def is_folder(text: str) -> bool:
    """No: for a name too long, too, or one that no file can have."""
    try:
        return Path(text).is_dir()
    except (OSError, ValueError):
        return False


def is_installed(folder: Path) -> bool:
    """Whether a study's folder belongs to the package, where nothing is to be written."""
    return _INSTALLED.is_dir() and folder.resolve().is_relative_to(_INSTALLED.resolve())
