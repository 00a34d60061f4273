"""A function of the user's by its name. Importing runs code: only a command that was given the name calls this."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from lambda_core.errors import ModelError
from lambda_core.system.atomic_files import first_line


def own_function(reference: str) -> Callable[..., Any]:
    """The function of `package.module:function`, looked for in the working folder too. Raises ModelError."""
    place, _, name = reference.partition(":")
    if not place or not name:
        raise ModelError(f"{reference!r} is no package.module:function")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = import_module(place)
    except (Exception, SystemExit) as error:  # a user's module may raise anything
        raise ModelError(f"{place} cannot be imported: {type(error).__name__}: {first_line(error)}") from error
    found = getattr(module, name, None)
    if not callable(found):
        raise ModelError(f"{place} has no function {name}")
    return found  # type: ignore[no-any-return]
