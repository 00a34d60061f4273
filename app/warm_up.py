"""What the first visitor would wait for, done while the browser still loads: modules imported, studies read."""

from __future__ import annotations

import importlib
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MODULES = ("navigation", "front.lanes", "front.leaderboard", "explore.current_pattern", "explore.tabs.export_tab")


@asynccontextmanager
async def while_serving(_: object) -> AsyncIterator[None]:
    """For as long as the server runs; it answers at once."""
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
    yield


def _warm_up() -> None:
    for name in MODULES:
        importlib.import_module(f"app.{name}")
    importlib.import_module("app.shared.study_cache").studies()
