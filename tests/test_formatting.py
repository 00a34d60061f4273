"""Numbers as text."""

from __future__ import annotations

import math

from lambda_core.formatting import number, percent, points, times


def test_numbers_as_text() -> None:
    assert [number(v) for v in (-0.04, 0.05, -1.25)] == ["0.0", "0.1", "−1.2"]
    assert [points(v) for v in (1, 1.04, 2, 0.5)] == ["1 point", "1 point", "2 points", "0.5 points"]
    assert [percent(v) for v in (0.95, 0.995)] == ["95 %", "99.5 %"]
    speeds = [times(v) for v in (1, 2.978, 9.996, 14.24, 150.2, math.inf)]
    assert speeds == ["1.00×", "2.98×", "10.0×", "14.2×", "150×", "∞×"]
