"""The inner loop: the plain definition's result at the least work.

Plain: at every step s, the gradient of the support loss for all layers, multiplied by Λ[s], and an SGD step
(MAML, Finn et al. 2017, eq. 1; Λ: Khabarlak 2022). Here a step

1. takes gradients only for the layers that Λ[s] updates, so backward stops at the lowest of them;
2. restarts forward at the lowest layer that changed since the last forward (or the lowest it updates, if lower):
   with batch statistics, activations below depend on the support batch and on unchanged weights only;
3. runs no convolution at all, forward or backward, once only the head changes.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.backbones import Backbone
from lambda_core.kernels import CrossEntropy, LayerPasses, Weights
from lambda_core.patterns import LambdaPattern, Row

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Adapted:
    """The result of an adaptation: the weights of every layer, and the support loss before each step."""

    backbone: Backbone
    weights: list[Weights]
    losses: list[float] = field(default_factory=list)

    @cached_property
    def model(self) -> nn.Sequential:
        """A copy of the backbone with the adapted weights."""
        model = copy.deepcopy(self.backbone.origin)
        for name, own in zip(self.backbone.names, self.weights, strict=True):
            model.get_submodule(name).load_state_dict(own, strict=False)
        return model


def adapt(
    model: nn.Sequential | Backbone,
    support_x: Tensor,
    support_y: Tensor,
    pattern: LambdaPattern,
    steps: int,
    lr: float,
    loss: Loss = F.cross_entropy,
) -> Adapted:
    """Adapt a copy of `model`'s weights to a support set; the model stays as it was.

    model: `Backbone.of(model)` instead saves looking at its modules again, where the same one is adapted many times.
    support_x: (N·K, …) float; support_y: (N·K,) int64 labels, or targets of `loss`; lr: inner step size.
    Raises PatternError where the pattern's columns are not the model's layers.
    """
    backbone = Backbone.matching(model, pattern)
    loop = InnerLoop(backbone, backbone.start(), support_x, support_y, lr, loss)
    return Adapted(backbone, loop.weights, loop.run(pattern.rows_for(steps)))


def adaptation_steps(
    model: nn.Sequential | Backbone,
    support_x: Tensor,
    support_y: Tensor,
    pattern: LambdaPattern,
    steps: int,
    lr: float,
    loss: Loss = F.cross_entropy,
) -> Iterator[Adapted]:
    """The state after 0, 1, … `steps` inner steps; what is yielded stays as it is when the next step runs."""
    backbone = Backbone.matching(model, pattern)
    loop = InnerLoop(backbone, backbone.start(), support_x, support_y, lr, loss)
    losses: list[float] = []
    yield Adapted(backbone, list(loop.weights))
    for row in pattern.rows_for(steps):
        losses.append(float(loop.step(row)))
        yield Adapted(backbone, list(loop.weights), list(losses))


class InnerLoop:
    """One episode's adaptation, step by step.

    `weights` (a dictionary a layer) is replaced and never written in place, so earlier states and forks stay valid.
    With `create_graph` the steps stay differentiable with respect to the weights that the loop started from.
    """

    def __init__(
        self,
        backbone: Backbone,
        weights: list[Weights],
        support_x: Tensor,
        support_y: Tensor,
        lr: float,
        loss: Loss = F.cross_entropy,
        *,
        create_graph: bool = False,
    ) -> None:
        self.backbone, self.weights, self.lr, self.loss = backbone, list(weights), lr, loss
        self.support_y, self.create_graph = support_y, create_graph
        # inputs[i] is the input of layer i under the present weights, for as many layers as are still valid
        self.inputs = [backbone.enter(support_x)]
        self._cross_entropy = CrossEntropy(support_y)
        # Where no layer goes through autograd, its bookkeeping can be left out too (a tenth of the time).
        self._bare = bool(self._chains(0))
        self.patches: dict[int, Tensor | None] = {}  # of those inputs, where a convolution starts from them

    def fork(self) -> InnerLoop:
        """A loop that goes on from here on its own and shares what is computed so far."""
        other = copy.copy(self)
        other.weights, other.inputs, other.patches = list(self.weights), list(self.inputs), dict(self.patches)
        return other

    def run(self, rows: Sequence[Row]) -> list[float]:
        """One step for each of `rows`; returns the support losses before them. Steps of a softmax head alone, one
        after the other, are run together: their features stay the same.
        """
        losses: list[float] = []
        for row, same in groupby(rows):
            count = len(list(same))
            together = self._head_steps(row, count)
            losses += [float(self.step(row)) for _ in range(count)] if together is None else together.tolist()
        return losses

    def _head_steps(self, row: Row, count: int) -> Tensor | None:
        """`count` steps of the last layer alone, if that is a linear map under cross-entropy; else None."""
        last = len(self.weights) - 1
        if not row[last] or any(row[:last]) or not self._classifies:
            return None
        chains = self._chains(last)
        names = chains[0].linear if chains else None
        x = self.input_of(last)
        if names is None or x.dim() != 2:
            return None
        own = self.weights[last]
        with self._without_gradients():
            weight, bias, losses = self._cross_entropy.gradient_descent(
                own[names[0]], own.get(names[1]), x, self.lr, count
            )
        self.weights[last] = {names[0]: weight} if bias is None else {names[0]: weight, names[1]: bias}
        return losses

    def step(self, row: Row) -> Tensor:
        """Update the layers of `row`; returns the support loss before it (0-dimensional, detached; NaN if none is)."""
        value, gradients = self.gradients(row)
        self.update(gradients)
        return value

    def gradients(self, row: Row) -> tuple[Tensor, dict[int, Weights]]:
        """The support loss (detached) and its gradients for the layers of `row`, by layer; nothing is changed."""
        chosen = [layer for layer, updated in enumerate(row) if updated]
        if not chosen:
            return torch.full((), math.nan), {}
        x = self.input_of(chosen[0])
        chains = self._chains(chosen[0])
        return self._written_out(chosen, chains) if chains else self._by_autograd(chosen, x)

    def _by_autograd(self, chosen: list[int], x: Tensor) -> tuple[Tensor, dict[int, Weights]]:
        leaves = self._leaves(chosen)
        with torch.enable_grad():
            for layer in range(chosen[0], len(self.weights)):
                x = self.backbone.layers[layer].forward(leaves.get(layer, self.weights[layer]), x)
            value = self.loss(x, self.support_y)
            flat = [leaf for own in leaves.values() for leaf in own.values()]
            found = iter(torch.autograd.grad(value, flat, create_graph=self.create_graph))
        return value.detach(), {layer: {name: next(found) for name in own} for layer, own in leaves.items()}

    def update(self, gradients: dict[int, Weights]) -> None:
        """One SGD step for the layers given; forgets the activations that depend on them."""
        places = [(layer, name) for layer, own in gradients.items() for name in own]
        if not places:
            return
        with torch.set_grad_enabled(self.create_graph):
            old = [self.weights[layer][name] for layer, name in places]
            changed = torch._foreach_add(old, [gradients[layer][name] for layer, name in places], alpha=-self.lr)
        for layer in gradients:
            self.weights[layer] = dict(self.weights[layer])
        for (layer, name), value in zip(places, changed, strict=True):
            self.weights[layer][name] = value
        self._forget_above(min(gradients))

    def _forget_above(self, layer: int) -> None:
        del self.inputs[layer + 1 :]
        self.patches = {place: value for place, value in self.patches.items() if place <= layer}

    def input_of(self, layer: int) -> Tensor:
        """The support activations that enter `layer`, computed from the highest ones that are still valid."""
        with torch.enable_grad() if self.create_graph else self._without_gradients():
            while len(self.inputs) <= layer:
                below = len(self.inputs) - 1
                self.inputs.append(self.backbone.layers[below].forward(self.weights[below], self.inputs[below]))
        return self.inputs[layer]

    def _without_gradients(self) -> AbstractContextManager[None]:
        return torch.inference_mode() if self._bare else torch.no_grad()

    def _leaves(self, chosen: list[int]) -> dict[int, Weights]:
        # With a graph, an alias: a weight that earlier steps left alone has also shaped what they changed, and the
        # partial derivative asked for here must not follow that way.
        def leaf(value: Tensor) -> Tensor:
            return value.view_as(value) if self.create_graph else value.detach().requires_grad_()

        return {layer: {name: leaf(value) for name, value in self.weights[layer].items()} for layer in chosen}

    def _chains(self, lowest: int) -> list[LayerPasses]:
        """The layers from `lowest` up as chains; none where a graph is asked for or a layer is no chain."""
        if self.create_graph or self.inputs[0].is_cuda:
            return []
        chains = [layer.chain for layer in self.backbone.layers[lowest:]]
        known = [chain for chain in chains if chain]
        return known if len(known) == len(chains) else []

    def _written_out(self, chosen: list[int], chains: list[LayerPasses]) -> tuple[Tensor, dict[int, Weights]]:
        lowest, gradients = chosen[0], {}
        with self._without_gradients():
            x, kept, patches = self.inputs[lowest], [], self._patches_of(lowest, chains[0])
            for chain, own in zip(chains, self.weights[lowest:], strict=True):
                x, saved = chain.forward(own, x, patches)
                kept.append(saved)
                patches = None
            value, g = self._output_gradient(x)
            for layer in range(len(self.weights) - 1, lowest - 1, -1):
                place, wanted = layer - lowest, layer in chosen
                own, below = chains[place].backward(self.weights[layer], kept[place], g, wanted, layer > lowest)
                if wanted:
                    gradients[layer] = own
                g = below if below is not None else g
        return value, {layer: gradients[layer] for layer in chosen}

    @property
    def _classifies(self) -> bool:
        """The loss is the cross-entropy to labels, whose gradient is written out."""
        return self.loss is F.cross_entropy and not self.support_y.is_floating_point()

    def _output_gradient(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """The loss and its gradient to the network's output."""
        if self._classifies and output.dim() == 2:
            return self._cross_entropy(output)
        with torch.inference_mode(False), torch.enable_grad():
            leaf = output.clone().requires_grad_()
            value = self.loss(leaf, self.support_y)
            return value.detach(), torch.autograd.grad(value, leaf)[0]

    def _patches_of(self, layer: int, chain: LayerPasses) -> Tensor | None:
        """Patches of a layer's input, made once for as long as that input stays."""
        if layer not in self.patches:
            self.patches[layer] = chain.patches(self.inputs[layer])
        return self.patches[layer]
