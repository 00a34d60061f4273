"""What numba kept of the compiled steps is not used once any file that they are made of has changed."""

from __future__ import annotations

import os
from pathlib import Path

from lambda_core.compiled.steps import keep_as_young_as_its_parts


def test_a_module_is_as_young_as_the_youngest_beside_it(tmp_path: Path) -> None:
    for name, age in (("steps.py", 5), ("passes.py", 9), ("notes.txt", 20)):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, ns=(age * 10**9, age * 10**9))
    keep_as_young_as_its_parts(tmp_path / "steps.py")
    assert (tmp_path / "steps.py").stat().st_mtime_ns == 9 * 10**9
    keep_as_young_as_its_parts(tmp_path / "steps.py")
    assert (tmp_path / "steps.py").stat().st_mtime_ns == 9 * 10**9
