"""What many workers take, from what one takes: the model of docs/scaling.md. Times in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

CHUNK = 10  # episodes of a part of a sweep
NETWORK_LATENCY = 30e-6  # of a message between two machines; assumed: 25 Gb/s Ethernet
NETWORK_BYTES = 25e9 / 8  # a second; assumed


@dataclass(frozen=True)
class Sweeping:
    """start: of a process until its first episode. chunk: ten episodes. merge: a chunk, by the process that merges."""

    start: float
    chunk: float
    merge: float

    def seconds(self, episodes: int, workers: int) -> float:
        """Of a sweep over so many episodes, both splits together, and its merge."""
        chunks = math.ceil(episodes / CHUNK)
        return self.start + math.ceil(chunks / workers) * self.chunk + chunks * self.merge

    def speed_up(self, episodes: int, workers: int) -> float:
        return self.seconds(episodes, 1) / self.seconds(episodes, workers)


@dataclass(frozen=True)
class Training:
    """task: the meta-gradient of one. rest: what every process does in an iteration: Adam, records. size: bytes."""

    task: float
    rest: float
    size: int

    def iteration(self, meta_batch: int, workers: int, reduce: float) -> float:
        """reduce: of the one exchange."""
        return math.ceil(meta_batch / workers) * self.task + self.rest + (reduce if workers > 1 else 0.0)

    def speed_up(self, meta_batch: int, workers: int) -> float:
        """On machines of one worker each, over the assumed network."""
        alone = self.iteration(meta_batch, 1, 0.0)
        return alone / self.iteration(meta_batch, workers, ring(self.size, workers))


def ring(size: int, workers: int) -> float:
    """A ring's all-reduce of `size` bytes: 2 (P − 1) messages of size / P each (Patarasuk and Yuan 2009)."""
    messages = 2 * (workers - 1)
    return messages * (NETWORK_LATENCY + size / workers / NETWORK_BYTES)


def on_cores(workers: int, cores: int) -> int:
    """As how many workers they count, where they share so many cores."""
    return min(workers, cores)
