"""Memory counted from the plan, against what lives while it runs: for every pattern, and several steps."""

from __future__ import annotations

import gc
import tracemalloc
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from lambda_core.adaptation import InnerLoop, loop_for, peak_bytes
from lambda_core.backbones import Backbone, conv4, layer_memory, resnet12
from lambda_core.compiled import CompiledLoop, buffers
from lambda_core.errors import PatternError
from lambda_core.kernels import LiveBytes
from lambda_core.patterns import LambdaPattern, Peak, peak_of_plan

PATTERNS = ["".join(digits) for digits in product("01", repeat=5) if "1" in digits]
STEP_BY_STEP = ["00001/11111/00000/00110", "11000/00001", "00111/10000/00001"]
FINER = ["nnnn1", "nnnnn", "000n1", "n0000", "0000n", "0n010", "nnnn1/00011"]


def support(images=5, size=32, dtype=torch.float32):
    x = torch.randn(images, 3, size, size, generator=torch.Generator().manual_seed(0), dtype=dtype)
    return x, torch.arange(images) % 5


def bytes_of(backbone):
    return sum(value.nbytes for own in backbone.detached_weights() for value in own.values())


def lived(backbone, x, y, pattern, steps):
    """The most bytes that lived at once in the loop for any model, its start's weights among them."""
    InnerLoop(backbone, backbone.detached_weights(), x, y, 0.01).run(pattern.rows_for(steps))
    with LiveBytes() as live:
        loop = InnerLoop(backbone, backbone.detached_weights(), x, y, 0.01)
        loop.run(pattern.rows_for(steps))
    return live.most + bytes_of(backbone)


@pytest.mark.parametrize("text", [*PATTERNS, *STEP_BY_STEP, *FINER])
def test_the_plan_of_written_out_passes_says_what_lives(text):
    torch.manual_seed(0)
    backbone, (x, y) = Backbone.of(conv4(5, 16)), support()
    pattern, memory = LambdaPattern.parse(text, 5), layer_memory(backbone, x)
    for steps in (1, 3):
        counted = peak_of_plan(pattern, steps, memory)
        assert counted.total == pytest.approx(lived(backbone, x, y, pattern, steps), rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("text", [*PATTERNS, *STEP_BY_STEP, *FINER])
def test_the_plan_of_layers_that_go_through_autograd_says_what_lives(text):
    torch.manual_seed(0)
    backbone, (x, y) = Backbone.of(resnet12(5, 8)), support(size=16)
    pattern, memory = LambdaPattern.parse(text, 5), layer_memory(backbone, x)
    for steps in (1, 2):
        counted = peak_of_plan(pattern, steps, memory)
        assert counted.total == pytest.approx(lived(backbone, x, y, pattern, steps), rel=0.05)


@pytest.mark.parametrize("build", [lambda: conv4(5, 32), lambda: resnet12(5, 8)], ids=["conv4", "resnet12"])
@pytest.mark.parametrize("text", [*PATTERNS, *STEP_BY_STEP, *FINER])
def test_the_buffers_of_the_compiled_loop_are_all_that_lives(text, build, monkeypatch):
    monkeypatch.setattr(buffers, "_waiting", [])
    torch.manual_seed(0)
    backbone, (x, y), pattern = Backbone.of(build()), support(), LambdaPattern.parse(text, 5)
    rows = pattern.rows_for(3)
    loop_for(backbone, backbone.detached_weights(), x, y, 0.01, rows).run(rows)
    gc.collect()  # a loop of before may give back its buffers only now
    buffers._waiting.clear()
    tracemalloc.start()
    try:
        loop = loop_for(backbone, backbone.detached_weights(), x, y, 0.01, rows)
        loop.run(rows)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(loop, CompiledLoop)
    counted, weights = peak_bytes(backbone, x, pattern, 3), loop.buffers.weights.row.nbytes
    laid_out = counted.kept + counted.workspace + weights
    assert laid_out == pytest.approx(most, rel=0.05, abs=20_000)
    result = sum(value.nbytes for own, old in zip(loop.weights, loop.start, strict=True) if own is not old
                 for value in own.values())  # fmt: skip
    assert counted.weights >= bytes_of(backbone) + weights + result


def test_fewer_layers_never_need_more():
    torch.manual_seed(0)
    for model in (conv4(5, 16), nn.Sequential(*conv4(5, 16), nn.Identity())):
        backbone, (x, _) = Backbone.of(model), support()
        totals = [peak_bytes(backbone, x, LambdaPattern.parse("0" * n + "1" * (5 - n), 5), 3).total for n in range(5)]
        assert totals == sorted(totals, reverse=True)


def test_no_adaptation_needs_the_weights_alone():
    backbone, (x, _) = Backbone.of(conv4(5, 16)), support()
    assert peak_bytes(backbone, x, LambdaPattern.named("none", 5), 0) == Peak(bytes_of(backbone), 0, 0)


def test_the_columns_must_be_the_layers():
    backbone, (x, _) = Backbone.of(conv4(5, 16)), support()
    with pytest.raises(PatternError, match="has 2 columns"):
        peak_of_plan(LambdaPattern.parse("01", 2), 1, layer_memory(backbone, x))


def test_live_bytes_see_storages_come_and_go_and_no_views():
    given = torch.zeros(10)
    with LiveBytes() as live:
        one = given + 1
        _ = (one.view(2, 5), given[:3], one.add_(1))
        assert live.now == 40
        del one, _
        assert (live.now, live.most) == (0, 40)
        two = np.float32(2) * given
        assert live.now == two.nbytes
