"""Work on a GPU that is launched at once: captured when it is asked for a second time, replayed from then on.

An adaptation of a small network is hundreds of operations of a few microseconds; launching them one by one takes longer
than running them. A captured graph (torch.cuda.CUDAGraph) is one launch. It reads and writes the same places in memory
each time: inputs are copied in, the weights are read where the model keeps them, outputs are copied out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from threading import Lock, current_thread, main_thread
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._pytree import tree_flatten, tree_unflatten

from lambda_core.backbones import Backbone, is_known_repeatable
from lambda_core.kernels import Weights

GRAPHS = 400  # kept for one model: a study's timing has 310 candidates
REPEATABLE_LOSSES = (F.cross_entropy, F.mse_loss)

Work = Callable[..., Any]


def can_be_captured(backbone: Backbone, x: Tensor, loss: object) -> bool:
    """Whether the same operations run whatever the values are: on a GPU, of modules and a loss of torch's own."""
    if not x.is_cuda or loss not in REPEATABLE_LOSSES or torch.is_autocast_enabled("cuda"):
        return False
    if "repeatable" not in backbone.remembered:
        backbone.remembered["repeatable"] = is_known_repeatable(backbone.model)
    return bool(backbone.remembered["repeatable"])


def captured(backbone: Backbone, weights: Sequence[Weights], key: Hashable, work: Work, *inputs: Tensor) -> Any:
    """`work(*inputs)`, a tensor or a tree of them: the graph of it is kept with the backbone.

    weights: all that `work` reads beside its inputs, where they lie. key: what else tells this work from other work.
    """
    places = tuple(_place(value) for own in weights for value in own.values())
    graphs: Graphs = backbone.remembered.setdefault("graphs", Graphs())
    return graphs((key, places), work, *inputs)


class Graphs:
    """The graphs of one model's work. Threads take turns; streams wait for each other.

    While one is captured no other thread may wait for the whole card (torch.cuda.synchronize), says CUDA. So only the
    main thread captures; others replay what it has captured, or launch operations one by one.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, Graph | None] = OrderedDict()  # None: asked for once
        self._turn = Lock()
        self._pool: Any = None
        self._done: torch.cuda.Event | None = None

    def __call__(self, key: Hashable, work: Work, *inputs: Tensor) -> Any:
        """`work(*inputs)`; the second time with this key and inputs of these looks it is captured."""
        key = (key, *((x.shape, x.stride(), x.dtype) for x in inputs))
        with self._turn:
            if self._known.get(key) or (key in self._known and current_thread() is main_thread()):
                return self._replayed(key, work, inputs)
            self._keep(key, None)
        return work(*inputs)

    def _replayed(self, key: Hashable, work: Work, inputs: Sequence[Tensor]) -> Any:
        if self._done is None:
            self._pool, self._done = torch.cuda.graph_pool_handle(), torch.cuda.Event()  # type: ignore[no-untyped-call]
        torch.cuda.current_stream().wait_event(self._done)  # the graphs share their memory
        graph = self._known[key] or Graph.of(work, inputs, self._pool)
        self._keep(key, graph)
        found = graph.replay(inputs)
        self._done.record()
        return found

    def _keep(self, key: Hashable, graph: Graph | None) -> None:
        self._known[key] = graph
        self._known.move_to_end(key)
        if len(self._known) > GRAPHS:
            self._known.popitem(last=False)


@dataclass(frozen=True)
class Graph:
    """A captured piece of work, the places of its inputs, and those of its outputs with the tree that they form."""

    recorded: torch.cuda.CUDAGraph
    inputs: list[Tensor]
    outputs: list[Tensor]
    tree: Any

    @classmethod
    def of(cls, work: Work, inputs: Sequence[Tensor], pool: Any) -> Graph:
        """First run once more, since a thread's first use of a library sets it up, which cannot be captured; then its
        operations are noted down, not run.
        """
        places = [x.detach().clone() for x in inputs]
        work(*places)
        recorded = torch.cuda.CUDAGraph()
        with torch.cuda.graph(recorded, pool=pool, capture_error_mode="thread_local"):
            outputs, tree = tree_flatten(work(*places))
        return cls(recorded, places, outputs, tree)

    def replay(self, inputs: Sequence[Tensor]) -> Any:
        """The work on these inputs; the outputs are copies, which the next replay leaves alone."""
        for place, x in zip(self.inputs, inputs, strict=True):
            place.copy_(x)
        self.recorded.replay()
        return tree_unflatten(_copies(self.outputs), self.tree)


def _copies(tensors: list[Tensor]) -> list[Tensor]:
    """As few launches as there are types, where cloning takes one a tensor."""
    return list(torch._foreach_mul(tensors, 1)) if tensors else []


def _place(value: Tensor) -> Hashable:
    return value.data_ptr(), value.shape, value.stride(), value.dtype, value.requires_grad
