"""Compiled functions kept between processes, until any file that they are made of changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile


def kept_between_processes(*folders: Path, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit(cache=True, **options)` for functions that call others, of any of these folders.

    numba itself looks at the file of the function alone: a change to what it calls, and has been compiled into it,
    would go unseen.
    """
    files = sorted(path for folder in folders for path in folder.glob("*.py"))
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()

    def compiled(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(**options)(function)
        dispatcher._cache = _CacheOfParts(function, digest)
        return dispatcher

    return compiled


class _CacheOfParts(FunctionCache):  # type: ignore[misc]
    """numba's own, of which a file's stamp is that of all files."""

    def __init__(self, function: Callable[..., Any], digest: str) -> None:
        super().__init__(function)
        stamp = (self._impl.locator.get_source_stamp(), digest)
        self._cache_file = IndexDataCacheFile(self._cache_path, self._impl.filename_base, stamp)
