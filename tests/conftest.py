"""Shared by all tests: the real data where it is at hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tiny import write_tiny

PREPARE = Path(__file__).resolve().parents[2] / "shared" / "data" / "prepare.py"


SLOW_FIXTURES = {"open_page", "real_data"}  # a page run, the real images


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs a page or needs the real images belongs to the slow lane."""
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with the real CIFAR-FS: $LAMBDA_DATA, or made by the prepare script beside the checkout."""
    root = os.environ.get("LAMBDA_DATA")
    if root and (Path(root) / "cifar-fs").is_dir():
        return Path(root)
    if not PREPARE.exists():
        pytest.skip("the real CIFAR-FS is not at hand: set LAMBDA_DATA to a folder that holds it")
    made = tmp_path_factory.mktemp("data")
    subprocess.run([sys.executable, str(PREPARE), str(made), "cifar-fs"], check=True, capture_output=True)
    return made


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data root with the tiny data set."""
    return str(write_tiny(tmp_path_factory.mktemp("data")))
