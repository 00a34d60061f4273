"""Adaptation time against peers and against the floor, side by side in one run.

    python -m benchmarks.adaptation [--rounds 30] [--processes 2]

4-CONV, 32 filters, 5-way 1-shot, 32×32, 5 steps, one thread unless said. Every contestant runs once a round, in an
order drawn anew; all adapt the same weights to the same episodes, and the adapted weights are checked against plain
masked SGD before anything is timed. Prints a table of ratios and writes it to benchmarks/results/ with the environment.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.peers import available
from benchmarks.readme import peers
from benchmarks.records import RESULTS
from lambda_core.adaptation import AdaptationPool, adapt, adapt_by_definition
from lambda_core.backbones import Backbone, conv4, layer_costs
from lambda_core.patterns import LambdaPattern, count_cost
from lambda_core.system import environment, prepare, write_json
from tests.support.oracle import plain_conv4

WAYS, FILTERS, CHANNELS, SIZE, STEPS, LR = 5, 32, 3, 32, 5, 0.05
PATTERNS = ("11111", "01111", "00111", "00011", "00001")
Contestant = Callable[[Tensor, Tensor], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--processes", type=int, default=2, help="for the throughput comparison")
    options = parser.parse_args()
    prepare(threads=1)
    fast, textbook = models()
    check(fast, textbook)
    contestants = adaptation_contestants(fast, textbook)
    times = race(contestants, options.rounds)
    training = race(training_contestants(fast, textbook), max(5, options.rounds // 3))
    table = pd.concat([summary(times, reference=fastest_peer(times)), summary(training, fastest_peer(training))])
    scaling = throughput(fast, options.processes)
    facts = {
        "date": date.today().isoformat(),
        "fastest peer": fastest_peer(times),
        "matmul rate, Gmultiply-adds/s": matmul_rate(),
        "multiply-adds": {text: cost(fast, text) for text in PATTERNS},
        "bytes kept for backward, one full step": {"ours": kept_bytes(fast), "textbook": saved_bytes(textbook)},
        "bytes kept for backward, one head-only step": {"ours": kept_bytes(fast, lowest=4)},
        f"throughput, {options.processes} processes / 1": scaling,
    }
    goals = against_goals(times, training, scaling)
    print(table.to_string(float_format=lambda value: f"{value:.2f}"))
    record = {"environment": environment(), "rounds": options.rounds, "facts": facts}
    record["goals"] = goals.to_dict(orient="records")
    print(peers(record))
    for name, value in facts.items():
        print(f"{name}: {value}")
    write_json(RESULTS / "adaptation.json", record | {"table": table.reset_index().to_dict(orient="records")})


def models() -> tuple[nn.Sequential, nn.Sequential]:
    """The same weights as our 4-CONV and as the textbook's, from library modules in the default memory format."""
    torch.manual_seed(0)
    fast, textbook = conv4(WAYS, FILTERS, CHANNELS, SIZE), plain_conv4(WAYS, FILTERS, CHANNELS, SIZE)
    textbook.load_state_dict(fast.state_dict())
    return fast, textbook


def episode(index: int, images: int = WAYS) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(index)
    x = torch.randn(images, CHANNELS, SIZE, SIZE, generator=generator)
    return x, torch.arange(WAYS).repeat_interleave(images // WAYS)


def check(fast: nn.Sequential, textbook: nn.Sequential) -> None:
    """Every contestant's adapted weights agree; raises AssertionError."""
    x, y = episode(0)
    full = adapt_by_definition(textbook, x, y, LambdaPattern.named("maml", 5), STEPS, LR)
    for name, peer in available().items():
        agree(name, full, peer(textbook, x, y, STEPS, LR))
    for text in PATTERNS:
        pattern = LambdaPattern.parse(text, 5)
        wanted = adapt_by_definition(textbook, x, y, pattern, STEPS, LR)
        agree(text, wanted, dict(adapt(fast, last(x), y, pattern, STEPS, LR).model.named_parameters()))


def agree(name: str, wanted: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    for key, value in wanted.items():
        error = float((found[key].detach() - value.detach()).norm() / value.detach().norm().clamp_min(1e-6))
        if error > 1e-3:
            raise AssertionError(f"{name}: {key} differs from plain SGD by {error:.1e}")


def adaptation_contestants(fast: nn.Sequential, textbook: nn.Sequential) -> dict[str, Contestant]:
    found: dict[str, Contestant] = {}
    for name, peer in available().items():
        found[f"{name}, textbook model"] = lambda x, y, peer=peer: peer(textbook, x, y, STEPS, LR)
        found[f"{name}, our model"] = lambda x, y, peer=peer: peer(fast, last(x), y, STEPS, LR)
    prepared = Backbone.of(fast)
    for text in PATTERNS:
        pattern = LambdaPattern.parse(text, 5)
        found[f"ours {text}"] = lambda x, y, pattern=pattern: adapt(prepared, last(x), y, pattern, STEPS, LR)
    found["support forward"] = lambda x, _: torch.no_grad()(fast)(last(x))
    return found


def training_contestants(fast: nn.Sequential, textbook: nn.Sequential) -> dict[str, Contestant]:
    """One task's second-order meta-gradient: 5 inner steps, 75 queries."""
    query = episode(10**6, 75)
    return {
        "meta-gradient, higher": partial(higher_gradient, textbook, query),
        "meta-gradient, torchopt": partial(torchopt_gradient, textbook, query),
        "meta-gradient, plain": partial(plain_gradient, textbook, query),
        "meta-gradient, ours": partial(our_gradient, fast, query),
    }


def our_gradient(model: nn.Sequential, query: tuple[Tensor, Tensor], x: Tensor, y: Tensor) -> None:
    from lambda_core.episodes import Episode
    from lambda_core.training.meta_gradient import add_meta_gradient
    from lambda_core.training.objective import Objective

    task = Episode(last(x), y, last(query[0]), query[1])
    backbone = Backbone.of(model)
    model.zero_grad()
    rows = LambdaPattern.named("maml", 5).rows_for(STEPS)
    add_meta_gradient(
        Objective(backbone, LR, F.cross_entropy), model, {0: task}, range(1), rows, order="second", device="cpu"
    )


def plain_gradient(model: nn.Sequential, query: tuple[Tensor, Tensor], x: Tensor, y: Tensor) -> None:
    model.zero_grad()
    weights = adapt_by_definition(model, x, y, LambdaPattern.named("maml", 5), STEPS, LR, create_graph=True)
    F.cross_entropy(torch.func.functional_call(model, weights, (query[0],)), query[1]).backward()


def higher_gradient(model: nn.Sequential, query: tuple[Tensor, Tensor], x: Tensor, y: Tensor) -> None:
    import higher

    model.zero_grad()
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    with higher.innerloop_ctx(model, optimizer, copy_initial_weights=False) as (functional, inner):
        for _ in range(STEPS):
            inner.step(F.cross_entropy(functional(x), y))
        F.cross_entropy(functional(query[0]), query[1]).backward()


def torchopt_gradient(model: nn.Sequential, query: tuple[Tensor, Tensor], x: Tensor, y: Tensor) -> None:
    import torchopt

    model.zero_grad()
    optimizer = torchopt.MetaSGD(model, lr=LR)
    start = torchopt.extract_state_dict(model, by="reference")
    for _ in range(STEPS):
        optimizer.step(F.cross_entropy(model(x), y))
    F.cross_entropy(model(query[0]), query[1]).backward()
    torchopt.recover_state_dict(model, start)


def race(
    contestants: dict[str, Contestant], rounds: int, support: Callable[[int], tuple[Tensor, Tensor]] = episode
) -> pd.DataFrame:
    """Milliseconds, a row a round and a column a contestant; every round on a support set of its own."""
    random, names = np.random.RandomState(0), list(contestants)
    for name in names:
        contestants[name](*support(10**5))
    times = np.empty((rounds, len(names)))
    for number in range(rounds):
        x, y = support(number)
        for place in random.permutation(len(names)):
            start = time.perf_counter()
            contestants[names[place]](x, y)
            times[number, place] = 1e3 * (time.perf_counter() - start)
    return pd.DataFrame(times, columns=names)


def fastest_peer(times: pd.DataFrame) -> str:
    """A library with the model that its users have; our own model in their loops is shown beside it."""
    peers = [name for name in times if "our" not in name and name != "support forward"]
    return str(times[peers].median().idxmin())


def against_goals(times: pd.DataFrame, training: pd.DataFrame, scaling: float) -> pd.DataFrame:
    peer, trainer = fastest_peer(times), fastest_peer(training)
    rows = [
        ("full pattern against the fastest peer", ratio(times, peer, "ours 11111"), 2.0, True),
        ("head only against the fastest peer's full adaptation", ratio(times, peer, "ours 00001"), 20.0, True),
        ("head only against one support forward pass", ratio(times, "ours 00001", "support forward"), 1.4, False),
        ("00011 against the fastest peer's full adaptation", ratio(times, peer, "ours 00011"), 9.0, True),
        ("00111 against the fastest peer's full adaptation", ratio(times, peer, "ours 00111"), 6.0, True),
        ("second-order meta-training, per task", ratio(training, trainer, "meta-gradient, ours"), 1.5, True),
        ("several processes against one (throughput)", scaling, 1.8, True),
    ]
    return pd.DataFrame(
        [(name, round(value, 2), f"{'≥' if least else '≤'} {goal:g}", (value >= goal) == least or value == goal)
         for name, value, goal, least in rows],
        columns=["what", "measured", "goal", "met"],
    )  # fmt: skip


def summary(times: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Median and quartiles in milliseconds, and how many times faster than the reference (paired, round by round)."""
    ratios = times[[reference]].to_numpy() / times
    return pd.DataFrame(
        {
            "median ms": times.median(),
            "q25 ms": times.quantile(0.25),
            "q75 ms": times.quantile(0.75),
            "x fastest peer": ratios.median(),
            "q25": ratios.quantile(0.25),
            "q75": ratios.quantile(0.75),
        }
    )


def ratio(times: pd.DataFrame, one: str, other: str) -> float:
    return float((times[one] / times[other]).median())


def matmul_rate(size: int = 1024) -> float:
    """Billions of multiply-adds a second of one large float32 product."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    runs = []
    for _ in range(10):
        start = time.perf_counter()
        a @ b
        runs.append(time.perf_counter() - start)
    return size**3 / float(np.median(runs)) / 1e9


def cost(fast: nn.Sequential, text: str) -> int:
    return count_cost(LambdaPattern.parse(text, 5), STEPS, layer_costs(fast, episode(0)[0]))


def saved_bytes(model: nn.Sequential) -> int:
    """Bytes that autograd keeps between forward and backward of one step that updates everything."""
    x, y = episode(0)
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        F.cross_entropy(model(x), y)
    return sum(kept.values())


def kept_bytes(fast: nn.Sequential, lowest: int = 0) -> int:
    """The same of our step from layer `lowest` up: what the layers' own passes keep, patches of the input included."""
    backbone = Backbone.of(fast)
    x, kept = last(episode(0)[0]), dict[int, int]()
    with torch.no_grad():
        for number, (layer, own) in enumerate(zip(backbone.layers, backbone.weights(), strict=True)):
            assert layer.passes
            patches = layer.passes.patches(x) if number == lowest else None
            x, saved = layer.passes.forward(own, x, patches)
            for tensor in _tensors(saved) if number >= lowest else ():
                kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
    return sum(kept.values())


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each)


def throughput(fast: nn.Sequential, processes: int, episodes: int = 240) -> float:
    """Full adaptations a second in several processes over those in one; both through the same pool."""
    x = torch.stack([episode(index)[0] for index in range(episodes)])
    y = torch.arange(WAYS).expand(episodes, WAYS)
    pattern = LambdaPattern.named("maml", 5)
    rates = []
    for count in (1, processes):
        with AdaptationPool(fast, count) as pool:
            pool.adapt_many(x, y, pattern, 1, LR)
            start = time.perf_counter()
            pool.adapt_many(x, y, pattern, STEPS, LR)
            rates.append(episodes / (time.perf_counter() - start))
    return rates[1] / rates[0]


def last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


if __name__ == "__main__":
    main()
