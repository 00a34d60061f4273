"""Every pattern against compilers and libraries that a user in a hurry would reach for, side by side in one run.

    python -m benchmarks.compilers [--rounds 40] [--torch-compile 11111]

4-CONV, 32 filters, 5-way, 1 and 5 shots, 32×32, and a ResNet-12 of 8 filters (fewer rounds); five steps, one thread;
random pictures (time does not depend on what is on them). Peers, from benchmarks/requirements.txt: `jax.jit` of the
plain loop, unrolled, its pooling written as a reshape and a maximum; our own export (`lambda-core export`) in
onnxruntime; for all layers a deep copy and SGD, higher and TorchOpt; where asked for, a step of one pattern under
`torch.compile`, which takes minutes. All adapt the same weights to the same episodes, and agree before anything is
timed. Conversions from and to torch tensors are part of the time. Prints processor time of the process in milliseconds,
medians of interleaved rounds, how many times faster we are than the fastest peer at the same pattern, and the goals;
writes benchmarks/results/compilers.json.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.adaptation import LR, PATTERNS, STEPS, WAYS, episode, models
from benchmarks.peers import Peer, available
from benchmarks.readme import compilers
from benchmarks.records import RESULTS
from lambda_core.adaptation import adapt, adapt_by_definition
from lambda_core.backbones import Backbone, layer_costs, resnet12
from lambda_core.export import export_adaptation
from lambda_core.patterns import LambdaPattern, Row, plan_adaptation
from lambda_core.system import environment, prepare, write_json

Contestant = Callable[[Tensor, Tensor], dict[str, Any]]
EPISODES = 20
DIFFERENCE = 5e-2  # of all weights together, at most: in float32 rounding decides some maxima of a deep network


def main() -> None:
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--torch-compile", default="", metavar="PATTERN", help="Show it beside the others there.")
    options = parser.parse_args()
    prepare(threads=1)
    fast, textbook = models()
    rounds = options.rounds
    asked = options.torch_compile
    torch.manual_seed(0)
    deep = resnet12(WAYS, 8)
    places = [("4-CONV", fast, textbook, text, shots, rounds, asked) for shots in (1, 5) for text in PATTERNS]
    places += [("ResNet-12", deep, deep, text, 1, max(5, rounds // 4), "") for text in ("11111", "00111", "00001")]
    record: dict[str, Any] = {"date": date.today().isoformat(), "environment": environment(), "rounds": rounds,
                              "floor, ms": {text: floor(text) for text in ("11111", "00001")}, "rows": []}  # fmt: skip
    for place in places:
        record["rows"].append(measure(*place))
        write_json(RESULTS / "compilers.json", record)  # a stop loses only the row under way
    print(compilers(record))


def measure(
    name: str, fast: nn.Sequential, textbook: nn.Sequential, text: str, shots: int, rounds: int, compiled: str = ""
) -> dict[str, Any]:
    """One line of the table: medians by contestant, in ms of processor time, and seconds of each one's first call.

    compiled: the pattern for which torch.compile runs, too.
    """
    pattern, images = LambdaPattern.parse(text, 5), WAYS * shots
    backbone, updated = Backbone.of(fast), pattern.rows[0]
    contestants: dict[str, Contestant] = {
        "ours": lambda x, y: _named(adapt(backbone, x, y, pattern, STEPS, LR), updated),
        "jax.jit": with_jax(textbook, text),
        "our export in onnxruntime": with_onnxruntime(fast, pattern, images),
    }
    if text == "11111":
        contestants |= {peer: partial(_library, run, textbook) for peer, run in available().items()}
    if text == compiled:
        contestants["torch.compile"] = with_torch_compile(textbook, pattern)
    first = {each: _first_call(run, textbook, pattern, images) for each, run in contestants.items()}
    medians = race(contestants, images, rounds)
    others = [value for each, value in medians.items() if each != "ours"]
    return {"model": name, "pattern": text, "shots": shots, "ms": medians, "first call, s": first,
            "over the fastest": min(others) / medians["ours"]}  # fmt: skip


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


def with_torch_compile(model: nn.Sequential, pattern: LambdaPattern) -> Contestant:
    """One step of the plain loop under torch.compile: gradients of the layers that the pattern updates."""
    names = [name for layer, digit in zip(dict(model.named_children()), _digits(model, pattern), strict=True)
             if digit for name, _ in model.named_parameters() if name.startswith(f"{layer}.")]  # fmt: skip
    start = {name: value.detach().clone() for name, value in model.named_parameters()}

    def loss(moving: dict[str, Tensor], frozen: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(torch.func.functional_call(model, frozen | moving, (x,)), y)

    @torch.compile
    def step(moving: dict[str, Tensor], frozen: dict[str, Tensor], x: Tensor, y: Tensor) -> dict[str, Tensor]:
        gradients = torch.func.grad(loss)(moving, frozen, x, y)
        return {name: value - LR * gradients[name] for name, value in moving.items()}

    def run(x: Tensor, y: Tensor) -> dict[str, Any]:
        moving = {name: start[name] for name in names}
        frozen = {name: value for name, value in start.items() if name not in moving}
        for _ in range(STEPS):
            moving = step(moving, frozen, x, y)
        return _arrays(moving)

    return run


def _digits(model: nn.Sequential, pattern: LambdaPattern) -> list[bool]:
    """Whether each child is updated; those without parameters never are."""
    row = iter(pattern.rows_for(1)[0])
    return [bool(list(child.parameters())) and next(row) for child in model.children()]


def with_jax(model: nn.Sequential, text: str) -> Contestant:
    """`jax_loop` from torch tensors to arrays."""
    run = jax_loop(model, text)

    def contestant(x: Tensor, y: Tensor) -> dict[str, Any]:
        found = run(x.permute(0, 2, 3, 1).numpy(), y.numpy().astype(np.int32))
        return {name: np.asarray(value) for name, value in found.items()}

    return contestant


def jax_loop(model: nn.Sequential, text: str) -> Callable[[Any, Any], Any]:
    """The plain loop: gradients of the layers that the pattern updates, all steps in one compiled function of images
    (N, H, W, C) and int32 labels.
    """
    import jax
    import jax.numpy as jnp

    layers = [name for name, child in model.named_children() if list(child.parameters())]
    updated = {layer for layer, digit in zip(layers, text, strict=True) if digit == "1"}
    weights = {name: jnp.asarray(value.detach().numpy()) for name, value in model.named_parameters()}
    moving = {name: value for name, value in weights.items() if name.split(".")[0] in updated}
    frozen = {name: value for name, value in weights.items() if name not in moving}
    logits = jax_resnet12 if "block1" in layers else jax_conv4

    def loss(own: dict[str, Any], x: Any, y: Any) -> Any:
        return -jnp.take_along_axis(jax.nn.log_softmax(logits(frozen | own, x)), y[:, None], 1).mean()

    @jax.jit
    def run(x: Any, y: Any) -> Any:
        own = moving
        for _ in range(STEPS):
            gradients = jax.grad(loss)(own, x, y)
            own = jax.tree.map(lambda value, gradient: value - LR * gradient, own, gradients)
        return own

    compiled: Callable[[Any, Any], Any] = run
    return compiled


def jax_conv4(own: dict[str, Any], x: Any) -> Any:
    """4-CONV. own: weights by the model's names; x: (N, H, W, C)."""
    import jax

    for layer in ("conv1", "conv2", "conv3", "conv4"):
        x = _jax_pool(jax.nn.relu(_jax_conv_norm(own, f"{layer}.conv", f"{layer}.norm", x)))
    return x.transpose(0, 3, 1, 2).reshape(len(x), -1) @ own["head.weight"].T + own["head.bias"]


def jax_resnet12(own: dict[str, Any], x: Any) -> Any:
    """ResNet-12, likewise."""
    import jax

    for block in ("block1", "block2", "block3", "block4"):
        y = x
        for place in (0, 2, 4):
            number = place + place // 2
            y = _jax_conv_norm(own, f"{block}.body.{number}", f"{block}.body.{number + 1}", y)
            y = jax.nn.leaky_relu(y, 0.1) if place < 4 else y
        y += _jax_conv_norm(own, f"{block}.shortcut.0", f"{block}.shortcut.1", x)
        x = _jax_pool(jax.nn.leaky_relu(y, 0.1))
    return x.mean((1, 2)) @ own["head.weight"].T + own["head.bias"]


def _jax_conv_norm(own: dict[str, Any], conv: str, norm: str, x: Any) -> Any:
    import jax

    x = jax.lax.conv_general_dilated(
        x, own[f"{conv}.weight"].transpose(2, 3, 1, 0), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    unit = (x - x.mean((0, 1, 2))) * jax.lax.rsqrt(x.var((0, 1, 2)) + 1e-5)
    return unit * own[f"{norm}.weight"] + own[f"{norm}.bias"]


def _jax_pool(x: Any) -> Any:
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))


if __name__ == "__main__":
    main()
