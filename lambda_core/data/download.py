"""torchvision's downloads, made to report as we do and to fail in one sentence."""

from __future__ import annotations

import http.client
import socket
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lambda_core.errors import DataError

Report = Callable[[int, int, str], None]  # done, total, what
TIMEOUT = 60.0  # seconds without a byte, after which a download has failed
_FAILURES = (OSError, RuntimeError, EOFError, http.client.HTTPException, tarfile.TarError, zipfile.BadZipFile)


@contextmanager
def downloading(name: str, report: Report) -> Iterator[None]:
    """Within: torchvision's progress bar calls `report` (in bytes), a silent server fails, failures are DataError."""
    try:
        from torchvision.datasets import utils
    except ImportError as error:  # absent, or of another torch
        raise DataError(f"{name} needs torchvision, which pip install 'lambda-core[data]' brings ({error})") from error
    bar, timeout = utils.tqdm, socket.getdefaulttimeout()
    utils.tqdm = _bar_for(report, f"downloading {name}")
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    except _FAILURES as error:
        reason = _reason(error)
        raise DataError(f"{name} could not be downloaded: {reason}; nothing was left, run it again later") from error
    finally:
        utils.tqdm = bar
        socket.setdefaulttimeout(timeout)


def _reason(error: BaseException) -> str:
    """Without the numbers and brackets that urllib and the system put around it."""
    cause = getattr(error, "reason", error)
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return str(text).splitlines()[0].rstrip(".")


def _bar_for(report: Report, what: str) -> Callable[..., Any]:
    class Bar:
        """As much of tqdm as torchvision uses."""

        def __init__(self, total: int | None = None, **_: Any) -> None:
            self.done, self.total = 0, total or 0

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None: ...

        def update(self, amount: int) -> None:
            self.done += amount
            report(self.done, max(self.total, self.done), what)

    return Bar
