"""Two routes to the gradients of a support loss, from the lowest layer asked for to the loss and back.

Written out: every layer's own passes, no autograd. By autograd: any layers, and the only route where the steps must
stay differentiable. Both compute gradients for the layers asked for, and stop at the lowest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional as F

from lambda_core.adaptation.support_activations import SupportActivations
from lambda_core.backbones import Backbone
from lambda_core.errors import ModelError
from lambda_core.kernels import CrossEntropy, LayerPasses, Weights

Loss = Callable[[Tensor, Tensor], Tensor]
Gradients = dict[int, Weights]  # layer → gradients by the parameter's name, of those parameters that have one
Chosen = Mapping[int, frozenset[str]]  # layer, ascending → names of the parameters to take gradients of


class SupportLoss:
    """A loss to the labels of one support set, with its gradient to the network's output.

    loss: such as F.cross_entropy; labels: (N·K,) integers, or whatever targets the loss takes.
    """

    def __init__(self, loss: Loss, labels: Tensor) -> None:
        integers = not (labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool)
        self.loss, self.labels = loss, labels.long() if integers else labels
        self.cross_entropy = CrossEntropy(self.labels) if loss is F.cross_entropy and integers else None

    def __call__(self, output: Tensor) -> Tensor:
        """The loss of the network's output, differentiable."""
        return self.loss(output, self.labels)

    def with_gradient(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """The loss, detached, and its gradient to the output."""
        if self.cross_entropy is not None and output.dim() == 2 and self.labels.dim() == 1:
            return self.cross_entropy(output)
        with torch.inference_mode(False), torch.enable_grad():
            leaf = output.clone().requires_grad_()
            value = self(leaf)
            return value.detach(), torch.autograd.grad(value, leaf)[0]


def gradients_written_out(
    weights: list[Weights],
    activations: SupportActivations,
    loss: SupportLoss,
    chosen: Chosen,
    passes: Sequence[LayerPasses],
) -> tuple[Tensor, Gradients]:
    """The loss, and its gradients for what is `chosen`; passes: those of the lowest of these layers and above.

    Forward through every layer from there, then the chain rule back down to it. Call it without gradients.
    """
    lowest, kept = next(iter(chosen)), []
    x, patches = activations.inputs[lowest], activations.patches_of(lowest, passes[0])
    for each, own in zip(passes, weights[lowest:], strict=True):
        x, saved = each.forward(own, x, patches)
        kept.append(saved)
        patches = None
    value, gradient = loss.with_gradient(x)
    found: Gradients = {}
    for layer in range(len(weights) - 1, lowest - 1, -1):
        names = chosen.get(layer, frozenset())
        found[layer], below = passes[layer - lowest].backward(
            weights[layer], kept.pop(), gradient, names, layer > lowest
        )
        gradient = gradient if below is None else below
    return value, {layer: found[layer] for layer in chosen}


def gradients_by_autograd(
    backbone: Backbone,
    weights: list[Weights],
    x: Tensor,
    loss: SupportLoss,
    chosen: Chosen,
    *,
    create_graph: bool,
) -> tuple[Tensor, Gradients]:
    """The same by autograd. x: the input of the lowest layer chosen; create_graph: keep the result differentiable.

    A parameter that the loss does not depend on is left out: its gradient is zero.
    """
    leaves = {layer: _leaves(names, weights[layer], create_graph) for layer, names in chosen.items()}
    with torch.enable_grad(), _in_place_explained():
        for layer in range(next(iter(chosen)), len(weights)):
            x = backbone.layers[layer].forward(weights[layer] | leaves.get(layer, {}), x)
        value = loss(x)
        places = [(layer, name) for layer, own in leaves.items() for name in own]
        flat = [leaves[layer][name] for layer, name in places]
        depends = bool(flat) and value.requires_grad
        found = torch.autograd.grad(value, flat, create_graph=create_graph, allow_unused=True) if depends else ()
    gradients: Gradients = {layer: {} for layer in chosen}
    for (layer, name), gradient in zip(places if depends else (), found, strict=True):
        if gradient is not None:
            gradients[layer][name] = gradient
    return value.detach(), gradients


@contextmanager
def _in_place_explained() -> Iterator[None]:
    """autograd's own words for a module that overwrites what a gradient needs, in ours."""
    try:
        yield
    except RuntimeError as error:
        if "modified by an inplace operation" not in str(error) and "being modified inplace" not in str(error):
            raise
        raise ModelError(
            "a module of the model overwrites in place what the gradient of another one needs, so that no gradient of "
            "the model can be taken; build it without inplace=True, or let it make a new tensor"
        ) from error


def only(gradients: Gradients, chosen: Chosen) -> Gradients:
    """Those of the gradients that are chosen."""
    return {
        layer: {name: each for name, each in gradients[layer].items() if name in names}
        for layer, names in chosen.items()
    }


def _leaves(changed: frozenset[str], weights: Weights, create_graph: bool) -> Weights:
    # With a graph, an alias: a weight that earlier steps left alone has also shaped what they changed, and the
    # partial derivative asked for here must not follow that way.
    return {
        name: value.view_as(value) if create_graph else value.detach().requires_grad_()
        for name, value in weights.items()
        if name in changed
    }
