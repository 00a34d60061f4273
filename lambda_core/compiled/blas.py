"""The matrix products of the compiled loop on one thread: they are too small for more, and processes serve better."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

_lock = threading.Lock()
_inside = 0
_before: list[int] = []


@contextmanager
def one_thread() -> Iterator[None]:
    """SciPy's BLAS, which compiled code calls, works on one thread; afterwards on as many as before."""
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside, _before  # noqa: PLW0603 (the library's setting is a global one)
    with _lock:
        _inside += 1
        if _inside == 1:
            _before = [each.get_num_threads() for each in _libraries()]
            _set([1] * len(_before))


def _leave() -> None:
    global _inside  # noqa: PLW0603
    with _lock:
        _inside -= 1
        if _inside == 0:
            _set(_before)


def _set(threads: list[int]) -> None:
    for each, count in zip(_libraries(), threads, strict=True):
        if each.get_num_threads() != count:
            each.set_num_threads(count)


@lru_cache(maxsize=1)
def _libraries() -> list[Any]:
    import scipy.linalg.cython_blas  # noqa: F401 (loads the library)
    from threadpoolctl import ThreadpoolController

    found = ThreadpoolController().select(user_api="blas").lib_controllers
    return [each for each in found if "scipy" in str(each.filepath)]
