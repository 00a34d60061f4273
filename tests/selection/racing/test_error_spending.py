"""The looks share out the error rate."""

from __future__ import annotations

import pytest

from lambda_core.selection.racing.error_spending import alpha_spending, looks


@pytest.mark.parametrize("episodes", [8, 20, 100, 600, 1000])
def test_the_looks_share_out_the_error_rate(episodes):
    assert looks(episodes)[-1] == episodes
    assert len(looks(episodes)) == len(alpha_spending(episodes))
    assert alpha_spending(episodes).sum() == pytest.approx(1.0)
    assert (alpha_spending(episodes) > 0).all()
