"""What compiles an adaptation beforehand: each peer as a function (images, labels) → adapted weights by name.

`jax.jit` of the plain loop, unrolled, its pooling written as a reshape and a maximum; our own export (`lambda-core
export`) in onnxruntime; a step of the plain loop under `torch.compile`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.adaptation import STEPS
from lambda_core.export import export_adaptation
from lambda_core.patterns import LambdaPattern

Contestant = Callable[[Tensor, Tensor], dict[str, Any]]


def with_onnxruntime(model: nn.Sequential, pattern: LambdaPattern, images: int, lr: float) -> Contestant:
    """Our own export of the adaptation, on one thread. Its own check, of each tensor by itself, is too strict for a
    deep network and 25 images, where rounding decides maxima: whoever times it looks at all weights together.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder, patch("lambda_core.export.checking.TOLERANCE", 1.0):
        path = Path(folder) / "adapt.onnx"
        export_adaptation(model, path, pattern, STEPS, lr, support_shape=(images, 3, 32, 32))
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(x: Tensor, y: Tensor) -> dict[str, Any]:
        given = {"support_images": x.numpy(), "support_labels": y.numpy()}
        return dict(zip(names, session.run(None, given), strict=True))

    return run


def with_torch_compile(model: nn.Sequential, pattern: LambdaPattern, lr: float) -> Contestant:
    """One step of the plain loop under torch.compile: gradients of the layers that the pattern updates."""
    names = [name for layer, digit in zip(dict(model.named_children()), _digits(model, pattern), strict=True)
             if digit for name, _ in model.named_parameters() if name.startswith(f"{layer}.")]  # fmt: skip
    start = {name: value.detach().clone() for name, value in model.named_parameters()}

    def loss(moving: dict[str, Tensor], frozen: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(torch.func.functional_call(model, frozen | moving, (x,)), y)

    @torch.compile
    def step(moving: dict[str, Tensor], frozen: dict[str, Tensor], x: Tensor, y: Tensor) -> dict[str, Tensor]:
        gradients = torch.func.grad(loss)(moving, frozen, x, y)
        return {name: value - lr * gradients[name] for name, value in moving.items()}

    def run(x: Tensor, y: Tensor) -> dict[str, Any]:
        moving = {name: start[name] for name in names}
        frozen = {name: value for name, value in start.items() if name not in moving}
        for _ in range(STEPS):
            moving = step(moving, frozen, x, y)
        return {name: value.detach().numpy() for name, value in moving.items()}

    return run


def _digits(model: nn.Sequential, pattern: LambdaPattern) -> list[bool]:
    """Whether each child is updated; those without parameters never are."""
    row = iter(pattern.rows_for(1)[0])
    return [bool(list(child.parameters())) and next(row) for child in model.children()]


def with_jax(model: nn.Sequential, text: str, lr: float) -> Contestant:
    """`jax_loop` from torch tensors to arrays."""
    run = jax_loop(model, text, lr)

    def contestant(x: Tensor, y: Tensor) -> dict[str, Any]:
        found = run(x.permute(0, 2, 3, 1).numpy(), y.numpy().astype(np.int32))
        return {name: np.asarray(value) for name, value in found.items()}

    return contestant


def jax_loop(model: nn.Sequential, text: str, lr: float) -> Callable[[Any, Any], Any]:
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
            own = jax.tree.map(lambda value, gradient: value - lr * gradient, own, gradients)
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
