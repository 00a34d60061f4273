"""What numba kept of a compiled function is used again, and not once a file that it is made of has changed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from numba import config

PART = """
import numba
@numba.njit
def part_of_it(x):
    return x + {added}
"""
WHOLE = """
from pathlib import Path
from lambda_core.compiled.llvm import kept_between_processes
from part_of_whole import part_of_it
@kept_between_processes(Path(__file__).parent)
def whole(x):
    return part_of_it(x)
"""


def _imported_anew() -> tuple[int, int]:
    """The function's value at 1, and how many types of it came from what was kept."""
    for name in ("part_of_whole", "whole_of_parts"):
        sys.modules.pop(name, None)
    from whole_of_parts import whole

    return whole(1), sum(whole.stats.cache_hits.values())


def test_code_is_kept_until_a_part_of_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "kept"))
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "whole_of_parts.py").write_text(WHOLE)
    (tmp_path / "part_of_whole.py").write_text(PART.format(added=1))
    assert _imported_anew() == (2, 0)
    assert _imported_anew() == (2, 1)
    (tmp_path / "part_of_whole.py").write_text(PART.format(added=10))
    assert _imported_anew() == (11, 0)
