"""After how many episodes the candidates of a race are looked at.

Bounds hold at every number of episodes, so looks cost nothing: few are taken because each runs a batch of episodes.
"""

from __future__ import annotations

HALVINGS = 5  # looks before the last: after 1/32, 1/16, … 1/2 of the episodes
FEWEST = 8  # episodes before the first look


def looks(episodes: int) -> list[int]:
    """After how many episodes a candidate is looked at, of `episodes` at most."""
    return sorted({max(FEWEST, -(-episodes // 2**halving)) for halving in range(HALVINGS + 1)})
