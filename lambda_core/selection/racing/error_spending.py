"""How a race shares out its chance of error over repeated looks.

A spending function (Lan and DeMets 1983, Biometrika 70:659), of the power family (Kim and DeMets 1987, Biometrika
74:149): up to a share t of all episodes, t³ of the error rate may be spent.
"""

from __future__ import annotations

import numpy as np

from lambda_core.selection.paired_tests import Floats

HALVINGS = 5  # looks before the last: after 1/32, 1/16, … 1/2 of the episodes
FEWEST = 8  # episodes before the first look


def looks(episodes: int) -> list[int]:
    """After how many episodes a candidate is looked at, of `episodes` at most."""
    return sorted({max(FEWEST, -(-episodes // 2**halving)) for halving in range(HALVINGS + 1)})


def alpha_spending(episodes: int) -> Floats:
    """Each look's share of the error rate, 1 in all: next to nothing on few episodes, where a t test is least sure."""
    spent = (np.array(looks(episodes)) / episodes) ** 3
    return np.diff(spent, prepend=0.0)
