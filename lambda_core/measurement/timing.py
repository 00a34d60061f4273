"""Adaptation time of every pattern: one episode at a time, interleaved in random order, round after round."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from lambda_core.adaptation import all_steps, peak_bytes
from lambda_core.backbones import Backbone
from lambda_core.config import TimingConfig
from lambda_core.episodes import Bank, Episode
from lambda_core.patterns import LambdaPattern, Peak, count_cost
from lambda_core.selection import EXPORTED
from lambda_core.system import Meter, Report, check_device, processor, synchronise

WARM_UPS = 5
MEMORY = {"weight_bytes": "weights", "kept_bytes": "kept", "workspace_bytes": "workspace"}  # a column: of a `Peak`


def measure_times(
    model: nn.Sequential,
    bank: Bank,
    patterns: Sequence[LambdaPattern],
    max_steps: int,
    lr: float,
    layer_products: Sequence[Sequence[int]],
    config: TimingConfig,
    report: Report | None = None,
) -> pd.DataFrame:
    """The timing table (docs/formats.md) of this machine, 1 … max_steps steps.

    layer_products: multiply-adds of each layer (`backbones.layer_products`).
    Timed: support set → adapted weights, on `config.device`, synchronised. A repeat runs every candidate once, on an
    episode of its own, in an order drawn anew; warm-up rounds on other episodes are not counted. Raises ConfigError for
    a device that is not there.
    """
    check_device(config.device)
    backbone = Backbone.of(_on(model, config.device)).checked(*patterns)
    candidates = [(p, steps) for p in patterns if p.updates_anything for steps in range(1, max_steps + 1)]
    costs = [count_cost(pattern, steps, *layer_products) for pattern, steps in candidates]
    random = np.random.RandomState(config.seed)
    meter = Meter("timing, rounds", config.repeats, report)
    times = np.empty((config.repeats, len(candidates)))
    _warm_up(backbone, bank, candidates, lr, config)
    for repeat in range(config.repeats):
        episode = bank[repeat].to(config.device)
        for place in random.permutation(len(candidates)):
            pattern, steps = candidates[place]
            times[repeat, place] = adaptation_time(backbone, episode, pattern, steps, lr)
        meter.advance()
    candidates.insert(0, (LambdaPattern.named("none", len(backbone.layers)), 0))
    peaks = [peak_bytes(backbone, episode.support_x, pattern, steps) for pattern, steps in candidates]
    return _table(candidates, np.pad(times, ((0, 0), (1, 0))), [0, *costs], peaks, config)


def with_memory(table: pd.DataFrame, model: nn.Sequential, support_x: Tensor) -> pd.DataFrame:
    """A timing table with its columns of memory counted anew, for the model and the engine as they are, where its
    device is that of `support_x`: (N·K, …) float32, of any content; not of exported graphs. Nothing is timed.
    """
    backbone, names = Backbone.of(model), list(MEMORY)
    table = table.astype({"pattern": "str"})
    ours = (table["device"] == support_x.device.type) & ~table["torch"].astype(str).str.startswith(EXPORTED)
    for (text, steps), rows in table[ours].groupby(["pattern", "steps"]):
        peak = peak_bytes(backbone, support_x, LambdaPattern.parse(str(text), len(backbone.layers)), int(steps))
        table.loc[rows.index, names] = [getattr(peak, part) for part in MEMORY.values()]
    return table


def _on(model: nn.Sequential, device: str) -> nn.Sequential:
    """The model itself, or a copy where it lies on another device."""
    elsewhere = any(each.device.type != device for each in model.parameters())
    return copy.deepcopy(model).to(device) if elsewhere else model


def adaptation_time(backbone: Backbone, episode: Episode, pattern: LambdaPattern, steps: int, lr: float) -> float:
    """Milliseconds from support set to adapted weights, once."""
    weights = backbone.detached_weights()
    rows = pattern.rows_for(steps)
    synchronise(episode.support_x)
    start = time.perf_counter()
    all_steps(backbone, weights, episode.support_x, episode.support_y, lr, rows)
    synchronise(episode.support_x)
    return 1e3 * (time.perf_counter() - start)


def _warm_up(
    backbone: Backbone, bank: Bank, candidates: list[tuple[LambdaPattern, int]], lr: float, config: TimingConfig
) -> None:
    """On a GPU every candidate twice: what is asked for again is replayed from then on."""
    first = candidates * 2 if config.device == "cuda" else candidates[-1:] * WARM_UPS
    for index, (pattern, steps) in enumerate(first):
        adaptation_time(backbone, bank[config.repeats + index % WARM_UPS].to(config.device), pattern, steps, lr)


def _table(
    candidates: list[tuple[LambdaPattern, int]],
    times: np.ndarray,
    costs: list[int],
    peaks: list[Peak],
    config: TimingConfig,
) -> pd.DataFrame:
    repeats, count = times.shape
    return pd.DataFrame(
        {
            "pattern": [str(pattern) for pattern, _ in candidates] * repeats,
            "steps": np.tile(np.array([steps for _, steps in candidates], dtype=np.int16), repeats),
            "repeat": np.repeat(np.arange(repeats, dtype=np.int32), count),
            "device": config.device,
            "threads": np.int16(config.threads),
            "milliseconds": times.reshape(-1),
            "multiply_adds": np.tile(np.array(costs, dtype=np.int64), repeats),
            **_memory(peaks * repeats),
            "torch": torch.__version__.split("+")[0],
            "processor": processor() if config.device == "cpu" else torch.cuda.get_device_name(),
        }
    )


def _memory(peaks: Sequence[Peak]) -> dict[str, np.ndarray]:
    return {name: np.array([getattr(peak, part) for peak in peaks], dtype=np.int64) for name, part in MEMORY.items()}
