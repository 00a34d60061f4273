"""The predicted chance to pass, against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from lambda_core.selection.paired_tests import MANY, PairedDifference
from lambda_core.selection.racing.futility import is_futile, predictive_power
from lambda_core.selection.sequential import distance


@pytest.mark.parametrize("mean", [0.6, 1.0, 1.5])
def test_predictive_power_is_the_share_of_futures_that_pass(mean: float) -> None:
    """Futures are drawn with what the first episodes leave open: mean and spread of the truth (a flat prior)."""
    n, total, threshold, level, draws = 40, 100, 1.0, 0.2, 20_000
    rng = np.random.default_rng(0)
    seen = rng.normal(0, 4, n)
    seen += mean - seen.mean()
    spread = seen.std(ddof=1)
    truth = mean + spread / np.sqrt(n) * rng.standard_t(n - 1, draws)
    final = (n * mean + (total - n) * truth + spread * np.sqrt(total - n) * rng.normal(size=draws)) / total
    passes = final <= threshold - distance(total, MANY * level) * spread / np.sqrt(total)
    power = predictive_power(PairedDifference.of(seen[None]), threshold, total, level).item()
    assert power == pytest.approx(passes.mean(), abs=0.02)


def test_only_what_varies_and_will_hardly_pass_is_futile() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, 50)
    differences = np.stack([noise, noise + 9.0, np.full(50, 9.0)])
    paired = PairedDifference.of(differences)
    assert is_futile(paired, 1.0, 600, 0.05).tolist() == [False, True, False]
    assert not is_futile(paired, 1.0, 50, 0.05).any()
