"""Every pattern against compilers that a user in a hurry would reach for, side by side in one run.

    python -m benchmarks.compilers [--rounds 40]

4-CONV, 32 filters, 5-way, 1 and 5 shots, 32×32, five steps, one thread; random pictures (time does not depend on what
is on them). Peers, from benchmarks/requirements.txt: `jax.jit` of the plain loop, unrolled, its pooling written as a
reshape and a maximum; our own export (`lambda-core export`) in onnxruntime; a deep copy and SGD. All adapt the same
weights to the same episodes, and agree before anything is timed. Conversions from and to torch tensors are part of the
time. Prints processor time of the process in milliseconds, medians of interleaved rounds, and how many times faster we
are than the fastest of them at the same pattern; writes benchmarks/results/compilers.json.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from benchmarks.adaptation import LR, PATTERNS, STEPS, WAYS, episode, last, models
from benchmarks.peers import copy_and_sgd
from benchmarks.readme import compilers
from benchmarks.records import RESULTS
from lambda_core.adaptation import adapt, adapt_by_definition
from lambda_core.backbones import Backbone
from lambda_core.export import export_adaptation
from lambda_core.patterns import LambdaPattern
from lambda_core.system import environment, prepare, write_json

Contestant = Callable[[Tensor, Tensor], dict[str, Any]]
EPISODES = 20


def main() -> None:
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    prepare(threads=1)
    fast, textbook = models()
    rows = [measure(fast, textbook, text, shots, rounds) for shots in (1, 5) for text in PATTERNS]
    record = {"date": date.today().isoformat(), "environment": environment(), "rounds": rounds, "rows": rows}
    print(compilers(record))
    write_json(RESULTS / "compilers.json", record)


def measure(fast: nn.Sequential, textbook: nn.Sequential, text: str, shots: int, rounds: int) -> dict[str, Any]:
    """One line of the table: medians by contestant, in ms of processor time, and seconds of each one's first call."""
    pattern, images = LambdaPattern.parse(text, 5), WAYS * shots
    backbone = Backbone.of(fast)
    contestants: dict[str, Contestant] = {
        "ours": lambda x, y: _named(adapt(backbone, last(x), y, pattern, STEPS, LR)),
        "jax.jit": with_jax(textbook, text),
        "our export in onnxruntime": with_onnxruntime(fast, pattern, images),
    }
    if text == "11111":
        contestants["copy + SGD"] = lambda x, y: _arrays(copy_and_sgd(textbook, x, y, STEPS, LR))
    first = {name: _first_call(run, textbook, pattern, images) for name, run in contestants.items()}
    times: dict[str, list[float]] = {name: [] for name in contestants}
    random, names = np.random.RandomState(0), list(contestants)
    supports = [episode(number, images) for number in range(EPISODES)]
    for number in range(rounds):
        for name in random.permutation(names):
            start = time.process_time()
            contestants[name](*supports[number % EPISODES])
            times[name].append(1e3 * (time.process_time() - start))
    medians = {name: float(np.median(each)) for name, each in times.items()}
    others = [value for name, value in medians.items() if name != "ours"]
    return {"pattern": text, "shots": shots, "ms": medians, "first call, s": first,
            "over the fastest": min(others) / medians["ours"]}  # fmt: skip


def _first_call(run: Contestant, textbook: nn.Sequential, pattern: LambdaPattern, images: int) -> float:
    """Seconds of the first call; raises AssertionError where its weights are not the definition's."""
    x, y = episode(10**5, images)
    start = time.perf_counter()
    found = run(x, y)
    seconds = time.perf_counter() - start
    wanted = adapt_by_definition(textbook, x, y, pattern, STEPS, LR)
    for name, value in found.items():
        plain = wanted[name].detach().numpy()
        error = np.linalg.norm(np.asarray(value) - plain) / max(np.linalg.norm(plain), 1e-6)
        assert error < 1e-3, f"{name}: {error:.1e}"
    return seconds


def _named(adapted: Any) -> dict[str, Any]:
    return {
        f"{layer}.{name}": value.numpy()
        for layer, own in zip(adapted.backbone.names, adapted.weights, strict=True)
        for name, value in own.items()
    }


def _arrays(parameters: dict[str, Tensor]) -> dict[str, Any]:
    return {name: value.detach().numpy() for name, value in parameters.items()}


def with_onnxruntime(model: nn.Sequential, pattern: LambdaPattern, images: int) -> Contestant:
    """Our export of the adaptation, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "adapt.onnx"
        export_adaptation(model, path, pattern, STEPS, LR, support_shape=(images, 3, 32, 32))
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(x: Tensor, y: Tensor) -> dict[str, Any]:
        given = {"support_images": x.numpy(), "support_labels": y.numpy()}
        return dict(zip(names, session.run(None, given), strict=True))

    return run


def with_jax(model: nn.Sequential, text: str) -> Contestant:
    """The plain loop: gradients of the layers that the pattern updates, all steps in one compiled function."""
    import jax
    import jax.numpy as jnp

    layers = ("conv1", "conv2", "conv3", "conv4", "head")
    updated = {layer for layer, digit in zip(layers, text, strict=True) if digit == "1"}
    weights = {name: jnp.asarray(value.detach().numpy()) for name, value in model.named_parameters()}
    moving = {name: value for name, value in weights.items() if name.split(".")[0] in updated}
    frozen = {name: value for name, value in weights.items() if name not in moving}

    def logits(own: dict[str, Any], x: Any) -> Any:
        for layer in layers[:-1]:
            x = jax.lax.conv_general_dilated(
                x, own[f"{layer}.conv.weight"].transpose(2, 3, 1, 0), (1, 1), "SAME",
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )  # fmt: skip
            mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            x = (x - mean) * jax.lax.rsqrt(variance + 1e-5) * own[f"{layer}.norm.weight"] + own[f"{layer}.norm.bias"]
            n, h, w, c = x.shape
            x = jax.nn.relu(x).reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))
        flat = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
        return flat @ own["head.weight"].T + own["head.bias"]

    def loss(own: dict[str, Any], x: Any, y: Any) -> Any:
        return -jnp.take_along_axis(jax.nn.log_softmax(logits(frozen | own, x)), y[:, None], 1).mean()

    @jax.jit
    def run(x: Any, y: Any) -> Any:
        own = moving
        for _ in range(STEPS):
            gradients = jax.grad(loss)(own, x, y)
            own = jax.tree.map(lambda value, gradient: value - LR * gradient, own, gradients)
        return own

    def contestant(x: Tensor, y: Tensor) -> dict[str, Any]:
        found = run(x.permute(0, 2, 3, 1).numpy(), y.numpy().astype(np.int32))
        return {name: np.asarray(value) for name, value in found.items()}

    return contestant


if __name__ == "__main__":
    main()
