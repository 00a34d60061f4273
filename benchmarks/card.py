"""Adaptation on a GPU: python -m benchmarks.card [--rounds 50]. Needs a card; jax with CUDA where it is installed.

4-CONV, 32 filters, 5-way, 32×32, five steps, float32, random pictures that lie on the card; milliseconds of the clock
from the call until the card is done, medians of interleaved rounds. Contestants: ours (a captured graph), the same
operations launched one by one, a deep copy and SGD, and `jax.jit` of the plain loop on the same card. Before anything
is timed, ours is compared with the plain definition on the CPU, in float64 and in float32. Then many episodes at once,
a sweep, and a meta-gradient. The library's own settings of precision are kept: convolutions in tf32 where the card has
it. Writes benchmarks/results/card.json.
"""

from __future__ import annotations

import argparse
import copy
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.adaptation import LR, PATTERNS, STEPS, WAYS, episode, models
from benchmarks.compiled_peers import jax_loop
from benchmarks.peers import copy_and_sgd
from benchmarks.readme import card
from benchmarks.records import RESULTS
from lambda_core.adaptation import adapt, adapt_by_definition, adapt_many
from lambda_core.backbones import Backbone, resnet12
from lambda_core.episodes import Episode
from lambda_core.measurement import sweep
from lambda_core.patterns import LambdaPattern
from lambda_core.system import environment, prepare, write_json
from lambda_core.training.meta_gradient import add_meta_gradient
from lambda_core.training.objective import Objective

EPISODES = 20
QUERIES = 15  # a class


def main() -> None:
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    prepare(threads=1)
    record: dict[str, Any] = {"date": date.today().isoformat(), "rounds": options.rounds}
    record["environment"] = environment() | {"card": torch.cuda.get_device_name()}
    parts = {"differences": differences, "single": partial(single, options.rounds), "many": many, "sweeps": sweeps,
             "meta-gradients": meta_gradients}  # fmt: skip
    for part, measure in parts.items():
        record[part] = measure()
        print(part, record[part], flush=True)
        write_json(RESULTS / "card.json", record)
    print(card(record))


def differences() -> dict[str, Any]:
    """Largest relative difference of the adapted weights from the definition's on the CPU, of all weights together, the
    third time that each is asked for; and from four threads at once.
    """
    found: dict[str, Any] = {}
    torch.manual_seed(0)
    for name, model in (("4-CONV", models()[0]), ("ResNet-12", resnet12(WAYS, 8))):
        for dtype, tf32 in ((torch.float64, False), (torch.float32, False), (torch.float32, True)):
            with torch.backends.cudnn.flags(enabled=True, allow_tf32=tf32):
                errors = [_error(model.to(dtype), text, dtype) for text in (*PATTERNS, "10101/00111/00001")]
            found[f"{name}, {str(dtype).removeprefix('torch.')}{', tf32' * tf32}"] = max(errors)
        model.to(torch.float32)
    found["four threads"] = _threads_error()
    return found


def _error(model: nn.Sequential, text: str, dtype: torch.dtype) -> float:
    pattern, there = LambdaPattern.parse(text, 5), Backbone.of(_on_card(model))
    for number in range(3):
        x, y = episode(number)
        adapted = adapt(there, x.to("cuda", dtype), y.to("cuda"), pattern, STEPS, LR)
    wanted = adapt_by_definition(model, x.to(dtype), y, pattern, STEPS, LR)
    return _distance(adapted.weights, adapted.backbone.names, wanted)


def _distance(weights: Any, names: Any, wanted: dict[str, Tensor]) -> float:
    ours = torch.cat([v.cpu().double().ravel() for own in weights for v in own.values()])
    order = [f"{layer}.{name}" for layer, own in zip(names, weights, strict=True) for name in own]
    plain = torch.cat([wanted[name].detach().double().ravel() for name in order])
    return float((ours - plain).norm() / plain.norm())


def _threads_error() -> float:
    """Captured by this thread, replayed by four, each on a stream of its own."""
    model, pattern = models()[0].double(), LambdaPattern.parse("00111", 5)
    there = Backbone.of(_on_card(model))
    episodes = [(x.double(), y) for x, y in map(episode, range(40))]
    wanted = [adapt_by_definition(model, x, y, pattern, STEPS, LR) for x, y in episodes]

    def error(number: int) -> float:
        with torch.cuda.stream(torch.cuda.Stream()):
            adapted = adapt(there, *(each.to("cuda") for each in episodes[number]), pattern, STEPS, LR)
            torch.cuda.current_stream().synchronize()
        return _distance(adapted.weights, there.names, wanted[number])

    alone = [error(number) for number in range(2)]
    with ThreadPoolExecutor(4) as pool:
        return max(alone + list(pool.map(error, range(40))))


def single(rounds: int) -> list[dict[str, Any]]:
    """A row for each pattern and number of images."""
    fast, textbook = models()
    there, plain = Backbone.of(_on_card(fast)), _on_card(textbook)
    return [_row(there, plain, textbook, text, shots, rounds) for shots in (1, 5) for text in PATTERNS]


def _row(
    there: Backbone, plain: nn.Sequential, textbook: nn.Sequential, text: str, shots: int, rounds: int
) -> dict[str, Any]:
    pattern, images = LambdaPattern.parse(text, 5), WAYS * shots
    bare = _launched_one_by_one(there)
    supports = [tuple(each.to("cuda") for each in episode(number, images)) for number in range(EPISODES)]

    contestants: dict[str, Callable[[int], Any]] = {
        "ours": lambda number: adapt(there, *supports[number], pattern, STEPS, LR),
        "one by one": lambda number: adapt(bare, *supports[number], pattern, STEPS, LR),
    }
    if text == PATTERNS[0]:
        contestants["copy + SGD"] = lambda number: copy_and_sgd(plain, *supports[number], STEPS, LR)
    with_jax = _with_jax(textbook, text, images)
    if with_jax is not None:
        contestants["jax.jit"] = with_jax
    return {"pattern": text, "shots": shots, "ms": _race(contestants, rounds)}


def _with_jax(textbook: nn.Sequential, text: str, images: int) -> Callable[[int], Any] | None:
    try:
        import jax

        card = jax.devices("gpu")[0]
    except (ImportError, RuntimeError):
        return None
    run = jax_loop(textbook, text, LR)
    given = [(jax.device_put(x.permute(0, 2, 3, 1).numpy(), card), jax.device_put(y.numpy().astype(np.int32), card))
             for x, y in (episode(number, images) for number in range(EPISODES))]  # fmt: skip
    return lambda number: jax.block_until_ready(run(*given[number]))


def _race(contestants: dict[str, Callable[[int], Any]], rounds: int) -> dict[str, float]:
    """Medians in ms, after three calls of each."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for run in contestants.values():
        for number in range(3):
            run(number)
    random = np.random.RandomState(0)
    for number in range(rounds):
        for name in random.permutation(list(contestants)):
            torch.cuda.synchronize()
            start = time.perf_counter()
            contestants[name](number % EPISODES)
            torch.cuda.synchronize()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: float(np.median(each)) for name, each in times.items()}


def many() -> list[dict[str, Any]]:
    """Adaptations a second, as many at once."""
    there, rows = Backbone.of(_on_card(models()[0])), []
    bare = _launched_one_by_one(there)
    for text in ("11111", "00001"):
        pattern = LambdaPattern.parse(text, 5)
        for count in (1, 16, 64, 256, 1024):
            x, y = (torch.stack(each).to("cuda") for each in zip(*map(episode, range(count)), strict=True))
            ms = _race(
                {
                    "ours": lambda _, x=x, y=y, p=pattern: adapt_many(there, x, y, p, STEPS, LR),
                    "one by one": lambda _, x=x, y=y, p=pattern: adapt_many(bare, x, y, p, STEPS, LR),
                },
                10,
            )
            rows.append({"pattern": text, "at once": count, "a second": {n: 1e3 * count / t for n, t in ms.items()}})
    return rows


def _launched_one_by_one(there: Backbone) -> Backbone:
    """The same model, of which nothing is captured."""
    bare = Backbone.of(there.model)
    bare.remembered["repeatable"] = False
    return bare


class RandomBank:
    """Episodes of random pictures with queries."""

    def __init__(self, shots: int) -> None:
        self.shots = shots

    def __getitem__(self, index: int) -> Episode:
        support, query = episode(index, WAYS * self.shots), episode(10**6 + index, WAYS * QUERIES)
        return Episode(*support, *query)


def sweeps() -> list[dict[str, Any]]:
    """Episodes a second: all patterns, 0 to 10 steps, 75 queries, after two that warm up."""
    patterns, found = LambdaPattern.enumerate(5), []
    for shots in (1, 5):
        for device, episodes in (("cuda", 64), ("cuda", 256), ("cpu", 5)):
            model = _on_card(models()[0]) if device == "cuda" else models()[0]
            sweep(model, RandomBank(shots), range(2), patterns, 10, LR)
            start = time.perf_counter()
            sweep(model, RandomBank(shots), range(episodes), patterns, 10, LR)
            seconds = time.perf_counter() - start
            found.append({"shots": shots, "device": device, "episodes": episodes, "a second": episodes / seconds})
    return found


def meta_gradients() -> list[dict[str, Any]]:
    """Milliseconds of a second-order meta-gradient of four tasks: all layers, five steps, 75 queries."""
    found, rows = [], [(True,) * 5] * STEPS
    on_card, here = Backbone.of(_on_card(models()[0])), Backbone.of(models()[0])
    places = {"ours": on_card, "one by one": _launched_one_by_one(on_card), "one core": here}
    for shots in (1, 5):
        contestants = {}
        for name, backbone in places.items():
            objective, device = Objective(backbone, LR, F.cross_entropy), "cpu" if name == "one core" else "cuda"
            run = partial(add_meta_gradient, objective, backbone.model, RandomBank(shots), range(4), rows)
            run = partial(run, order="second", device=device)
            contestants[name] = lambda _, run=run: run()
        found.append({"shots": shots, "ms": _race(contestants, 10)})
    return found


def _on_card(model: nn.Sequential) -> nn.Sequential:
    return copy.deepcopy(model).to("cuda")


if __name__ == "__main__":
    main()
