"""Every pattern against compilers and libraries that a user in a hurry would reach for, side by side in one run.

    python -m benchmarks.compilers [--rounds 40] [--isa avx2] [--model 4-CONV] [--shots 1] [--torch-compile]

4-CONV, 32 filters, and a ResNet-12 of 8 filters (fewer rounds), 5-way, 1 and 5 shots, 32×32; five steps, one thread;
random pictures (time does not depend on what is on them). Peers, from benchmarks/requirements.txt: those of
`compiled_peers.py`, and for all layers a deep copy and SGD, higher and TorchOpt. All adapt the same weights to the same
episodes, and agree before anything is timed. Conversions from and to torch tensors are part of the time. Prints
processor time of the process in milliseconds, medians of interleaved rounds, how many times faster we are than the
fastest peer at the same pattern, and the goals.

Writes benchmarks/results/compilers.json; with --isa avx2, all kept to AVX2 but onnxruntime, which is shown and not
counted, compilers-avx2.json. Where only some rows are asked for, the others stay as they are if they were measured in
the same environment.
--torch-compile: that peer alone, beside us, for all layers and a tenth of the rounds: it takes minutes to compile.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.adaptation import PATTERNS, STEPS, WAYS, episode, models
from benchmarks.compiled_peers import Contestant, with_jax, with_onnxruntime, with_torch_compile
from benchmarks.instruction_sets import FREE, in_use, start_restricted
from benchmarks.peers import Peer, available
from benchmarks.readme import compilers
from benchmarks.records import RESULTS
from lambda_core.adaptation import adapt, adapt_by_definition
from lambda_core.backbones import Backbone, layer_costs, resnet12
from lambda_core.patterns import LambdaPattern, Row, plan_adaptation
from lambda_core.system import environment, prepare, write_json

EPISODES = 20
LR = 1e-3  # time does not depend on it; rounding decides some maxima of a deep network, which moves little so
DIFFERENCE = 1e-3  # of all weights together, at most
DEEP_PATTERNS = ("11111", "00111", "00001")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--isa", choices=("native", "avx2"), default="native", help="what all may use at most")
    parser.add_argument("--model", choices=("4-CONV", "ResNet-12"))
    parser.add_argument("--shots", type=int, choices=(1, 5))
    parser.add_argument("--torch-compile", action="store_true")
    options = parser.parse_args()
    start_restricted(options.isa, "benchmarks.compilers")
    prepare(threads=1)
    path = RESULTS / ("compilers.json" if options.isa == "native" else f"compilers-{options.isa}.json")
    now = {"environment": environment(), "instructions": in_use(), "rounds": options.rounds}
    now |= {"not kept to them": []} if options.isa == "native" else {"not kept to them": list(FREE)}
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    record = before if {name: before.get(name) for name in now} == now else {"rows": []}
    record |= now | {"date": date.today().isoformat()}
    if options.torch_compile:
        fast, textbook = models()
        record["torch.compile"] = beside_torch_compile(fast, textbook, max(5, options.rounds // 10))
    else:
        record["floor, ms"] = {text: floor(text) for text in ("11111", "00001")}
        for place in places(options.model, options.shots, options.rounds):
            row = measure(*place)
            peers = [value for name, value in row["ms"].items() if name not in ("ours", *now["not kept to them"])]
            row["over the fastest"] = min(peers) / row["ms"]["ours"]
            record["rows"] = in_order([*record["rows"], row])
            write_json(path, record)  # a stop loses only the row under way
    write_json(path, record)
    print(compilers(record))


def places(
    model: str | None, shots: int | None, rounds: int
) -> Iterator[tuple[str, nn.Sequential, nn.Sequential, str, int, int]]:
    """The arguments of `measure`, row by row; of one network or number of shots, where that is asked for."""
    torch.manual_seed(0)
    deep = resnet12(WAYS, 8)
    kinds = {"4-CONV": (*models(), PATTERNS, rounds), "ResNet-12": (deep, deep, DEEP_PATTERNS, max(5, rounds // 4))}
    for name, (fast, textbook, patterns, count) in kinds.items():
        for each in (1, 5):
            if model in (None, name) and shots in (None, each):
                yield from ((name, fast, textbook, text, each, count) for text in patterns)


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last one of each network, number of shots and pattern, in the order of the table."""
    found = {(row["model"], row["shots"], row["pattern"]): row for row in rows}
    return [found[key] for key in sorted(found, key=lambda key: (*key[:2], PATTERNS.index(key[2])))]


def measure(
    name: str, fast: nn.Sequential, textbook: nn.Sequential, text: str, shots: int, rounds: int
) -> dict[str, Any]:
    """One line of the table: medians by contestant, in ms of processor time, and seconds of each one's first call."""
    pattern, images = LambdaPattern.parse(text, 5), WAYS * shots
    contestants = {
        "ours": ours(fast, pattern),
        "jax.jit": with_jax(textbook, text, LR),
        "our export in onnxruntime": with_onnxruntime(fast, pattern, images, LR),
    }
    if text == "11111":
        contestants |= {peer: partial(_library, run, textbook) for peer, run in available().items()}
    return {"model": name, "pattern": text, "shots": shots, **_times(contestants, textbook, pattern, images, rounds)}


def beside_torch_compile(fast: nn.Sequential, textbook: nn.Sequential, rounds: int) -> dict[str, Any]:
    """All layers of 4-CONV, one shot: times as in a line of the table."""
    pattern = LambdaPattern.full(5)
    contestants = {"ours": ours(fast, pattern), "torch.compile": with_torch_compile(textbook, pattern, LR)}
    return {"pattern": str(pattern), "rounds": rounds, **_times(contestants, textbook, pattern, WAYS, rounds)}


def ours(model: nn.Sequential, pattern: LambdaPattern) -> Contestant:
    """Our own adaptation."""
    backbone, updated = Backbone.of(model), pattern.rows[0]
    return lambda x, y: _named(adapt(backbone, x, y, pattern, STEPS, LR), updated)


def _times(
    contestants: dict[str, Contestant], textbook: nn.Sequential, pattern: LambdaPattern, images: int, rounds: int
) -> dict[str, dict[str, float]]:
    first = {each: _first_call(run, textbook, pattern, images) for each, run in contestants.items()}
    return {"ms": race(contestants, images, rounds), "first call, s": first}


def race(contestants: dict[str, Contestant], images: int, rounds: int) -> dict[str, float]:
    """Medians in ms of processor time; every round in an order drawn anew."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    random, names = np.random.RandomState(0), list(contestants)
    supports = [episode(number, images) for number in range(EPISODES)]
    for number in range(rounds):
        for name in random.permutation(names):
            start = time.process_time()
            contestants[name](*supports[number % EPISODES])
            times[name].append(1e3 * (time.process_time() - start))
    return {name: float(np.median(each)) for name, each in times.items()}


def floor(text: str) -> float:
    """The least time of 5 images, in ms: counted multiply-adds at the rate of a large matrix product, and a pass over
    every output of a convolution each time that it is computed or gone back through.
    """
    plan = plan_adaptation(LambdaPattern.parse(text, 5), STEPS, layer_costs(models()[0], episode(0)[0]))
    numbers = [WAYS * 32 * (32 >> layer) ** 2 for layer in range(4)]
    sizes = [n * ((cell.forward == "computed") + (cell.backward != "none"))
             for row in plan.cells for n, cell in zip(numbers, row, strict=False)]  # fmt: skip
    array = np.ones(max(numbers), np.float32)
    target, square = np.empty_like(array), torch.randn(1024, 1024)
    product, copied = _quickest(lambda: square @ square), _quickest(lambda: np.copyto(target, array))
    return 1e3 * (plan.multiply_adds / 1024**3 * product + sum(sizes) / len(array) * copied)


def _quickest(run: Callable[[], Any], runs: int = 30) -> float:
    """Seconds of processor time, the least of several runs: a floor must not rise with other work on the machine."""
    found = []
    for _ in range(runs):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return min(found)


def _library(run: Peer, model: nn.Sequential, x: Tensor, y: Tensor) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _arrays(run(model, x, y, STEPS, LR))


def _first_call(run: Contestant, textbook: nn.Sequential, pattern: LambdaPattern, images: int) -> float:
    """Seconds of the first call; raises AssertionError where its weights are not the definition's."""
    x, y = episode(10**5, images)
    start = time.perf_counter()
    found = run(x, y)
    seconds = time.perf_counter() - start
    wanted = adapt_by_definition(textbook, x, y, pattern, STEPS, LR)
    pairs = [(np.asarray(value).ravel(), wanted[name].detach().numpy().ravel()) for name, value in found.items()]
    ours, plain = (np.concatenate(each) for each in zip(*pairs, strict=True))
    error = np.linalg.norm(ours - plain) / np.linalg.norm(plain)
    assert error < DIFFERENCE, f"the weights are {error:.1e} from the definition's"
    return seconds


def _named(adapted: Any, updated: Row) -> dict[str, Any]:
    """The weights that the peers return: those of the layers that the pattern updates."""
    return {
        f"{layer}.{name}": value.numpy()
        for layer, own, moved in zip(adapted.backbone.names, adapted.weights, updated, strict=True)
        if moved
        for name, value in own.items()
    }


def _arrays(parameters: dict[str, Tensor]) -> dict[str, Any]:
    return {name: value.detach().numpy() for name, value in parameters.items()}


if __name__ == "__main__":
    main()
