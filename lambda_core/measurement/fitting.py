"""How the episodes of a sweep hold no more than so many bytes at once: in fewer processes, then in smaller pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lambda_core.backbones import Backbone
from lambda_core.episodes import Episode
from lambda_core.errors import ConfigError
from lambda_core.formatting import megabytes
from lambda_core.kernels import LiveBytes
from lambda_core.measurement.compiled_episode import CompiledEpisode, episode_for_many
from lambda_core.patterns import LambdaPattern, Update, lowest_ever
from lambda_core.system import cores


@dataclass(frozen=True)
class FittedSweep:
    """processes: as of `spread`. at_once: so many queries are scored at a time, and nothing of them is kept (None: all,
    and what patterns share of them is kept).
    """

    processes: int | None
    at_once: int | None = None


def fitted_sweep(
    backbone: Backbone,
    episode: Episode,
    patterns: Sequence[LambdaPattern],
    query_statistics: str,
    limit: int,
    processes: int | None,
) -> FittedSweep:
    """How a sweep's processes together hold at most `limit` bytes of episodes, beside images and weights.

    episode: one of those that are meant. processes: the most that are wanted; None: one a core. Raises ConfigError
    where not even one process fits, in the smallest pieces that give the same numbers.
    """
    for at_once in _pieces(len(episode.query_y), query_statistics):
        needed = needed_bytes(backbone, episode, patterns, query_statistics, at_once)
        if needed <= limit:
            fitting = limit // max(1, needed)
            enough = (processes or cores()) <= fitting
            return FittedSweep(processes if enough else fitting, at_once)
    raise ConfigError(
        f"an episode of this sweep ({len(episode.support_y)} support images, {len(episode.query_y)} queries, "
        f"{query_statistics} statistics) needs about {megabytes(needed)} at once, in the smallest pieces that give the "
        f"same numbers, and the memory limit is {megabytes(limit)}: allow more, or take fewer queries, shots or pixels"
    )


def _pieces(queries: int, query_statistics: str) -> Iterator[int | None]:
    """Numbers of queries to score at once, the fastest first; transductive ones are normalised by each other."""
    yield None
    yield queries
    while query_statistics != "transductive" and queries > 1:
        queries = -(-queries // 2)
        yield queries


def needed_bytes(
    backbone: Backbone,
    episode: Episode,
    patterns: Sequence[LambdaPattern],
    query_statistics: str,
    at_once: int | None,
) -> int:
    """About what one episode holds at once: counted where it is compiled, else measured on the first step of a pattern
    for each lowest layer, the widest one, since the activations below are kept.
    """
    narrow_first = sorted(patterns, key=lambda pattern: sum(each == Update.ALL for each in pattern.rows[0]))
    each = {lowest_ever(pattern.rows, 0): pattern for pattern in narrow_first if pattern.updates_anything}
    live = LiveBytes()
    with live:
        shared = episode_for_many(backbone, episode, 0.0, query_statistics, at_once)
        if isinstance(shared, CompiledEpisode):
            return shared.held_bytes
        for pattern in each.values():
            shared.trajectory(pattern, 1)
    return live.most
