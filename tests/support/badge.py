"""A CUDA card for machines that have none: CPU tensors that wear its badge.

Every value is real. A badged tensor says that it lies on cuda:0, refuses to meet a tensor of the CPU where CUDA would
refuse it, and every value that is read back, which makes the CPU wait for a card, is counted by the line that asked.
What a card would compute in another order, and how fast, no badge can tell.

    with Card() as card:
        model.to("cuda")
        ...
    assert sum(card.read_backs.values()) <= 1
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch._C import _functorch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

aten = torch.ops.aten
HERE = torch.device("cuda", 0)
COPIES = {aten.copy_.default, aten._to_copy.default}  # they may cross from one side to the other
TAKES_CPU_INDICES = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}
READS = {aten._local_scalar_dense.default, aten.equal.default, aten.nonzero.default, aten.masked_select.default}
MAKES_NO_TENSOR = {torch.device, torch._C._nn._parse_to}  # a device is only read there


class Badge(Tensor):
    """A tensor whose values lie in `plain`, on the CPU."""

    plain: Tensor

    @staticmethod
    def __new__(cls, plain: Tensor) -> Badge:
        made = Tensor._make_wrapper_subclass(
            cls, plain.size(), strides=plain.stride(), storage_offset=plain.storage_offset(), dtype=plain.dtype
        )
        made.plain = plain
        return made

    device = property(lambda _: HERE)
    is_cuda = property(lambda _: True)
    is_cpu = property(lambda _: False)
    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})

    def __repr__(self, **_) -> str:
        return f"Badge({tuple(self.shape)})"

    def __deepcopy__(self, memo):
        copied = Badge(self.plain.clone()).requires_grad_(self.requires_grad)
        copied._is_param = getattr(self, "_is_param", False)
        return memo.setdefault(id(self), copied)

    def cpu(self) -> Tensor:
        assert not (self.requires_grad and torch.is_grad_enabled()), "no graph crosses over in these tests"
        _note_read_back()
        return self.plain.detach().clone()

    def data_ptr(self) -> int:
        return self.plain.data_ptr()

    def tolist(self):
        return self.cpu().tolist()

    def numpy(self, **_):
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu()")


class Card:
    """While it is open, `cuda` is a device. read_backs: how often each place (file:line) waited for a value."""

    present: Card | None = None

    def __init__(self) -> None:
        self.read_backs: Counter[str] = Counter()
        self.kernels = 0
        self.recording: list[Recorded] | None = None
        self._opened = ExitStack()

    def __enter__(self) -> Card:
        opened = self._opened
        opened.enter_context(patch.object(Card, "present", self))
        for name, stand_in in _CUDA.items():
            opened.enter_context(patch.object(torch.cuda, name, stand_in))
        asks_the_driver = "_accelerator_graph_capture_health_check"
        opened.enter_context(patch.object(torch.optim.Optimizer, asks_the_driver, lambda *_: None))
        opened.enter_context(patch.object(torch, "inference_mode", _no_gradients))
        overwrites = torch.__future__.get_overwrite_module_params_on_conversion()
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        opened.callback(torch.__future__.set_overwrite_module_params_on_conversion, overwrites)
        opened.enter_context(_Inside())
        opened.enter_context(_Calls())
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()


class Graph:
    """A card's graph: what ran while it was captured, to run again over the same places in memory."""

    def __init__(self) -> None:
        self.operations: list[Recorded] = []

    def replay(self) -> None:
        assert self.operations, "a graph that nothing was captured for"
        for func, args, kwargs, before in self.operations:
            for old, new in zip(tree_leaves(before), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(old, Tensor) and old is not new:
                    old.copy_(new)
        if Card.present is not None:
            Card.present.kernels += 1


Recorded = tuple[Any, Any, Any, Any]  # an operation, its arguments, its outputs


@contextmanager
def _captured(graph: Graph, **_: object) -> Iterator[None]:
    assert Card.present is not None
    assert Card.present.recording is None, "one capture at a time"
    Card.present.recording = graph.operations
    try:
        yield
    finally:
        Card.present.recording = None


class _Event:
    record = staticmethod(lambda *_: None)
    wait_event = staticmethod(lambda *_: None)


_CUDA = {
    "CUDAGraph": Graph,
    "Event": _Event,
    "current_stream": _Event,
    "graph": _captured,
    "graph_pool_handle": lambda: None,
    "is_available": lambda: True,
    "get_device_name": lambda *_: "a badge",
    "get_rng_state": lambda *_: torch.zeros(1),
    "synchronize": lambda *_: None,
    "mem_get_info": lambda *_: (1 << 33, 1 << 34),
}


def _no_gradients(mode: bool = True):
    """A tensor that wraps another one may not be seen anew under inference_mode."""
    return torch.no_grad() if mode else nullcontext()


class _Calls(TorchFunctionMode):
    """What is asked for on CUDA by name is made on the CPU and gets a badge; `_Inside` learns whose tensors meet."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func not in MAKES_NO_TENSOR and any(map(_names_card, [*args, *kwargs.values()])):
            return _on_card(func, args, kwargs)
        if any(_names_cpu(each) for each in [*args, *kwargs.values()]) and func is Tensor.to and _is_badged(args[0]):
            rest = [each for each in args[1:] if not _names_cpu(each)]
            named = {name: value for name, value in kwargs.items() if name != "device" and value is not None}
            return Tensor.to(args[0].cpu(), *rest, **named) if rest or named else args[0].cpu()
        before, _Inside.badged = _Inside.badged, any(map(_is_badged, tree_leaves((args, kwargs))))
        try:
            return func(*args, **kwargs)
        finally:
            _Inside.badged = before


class _Inside(TorchDispatchMode):
    """What the library makes for itself inside a call lies where the call's tensors lie."""

    badged = False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        if any(isinstance(each, Badge) for each in tensors):
            return _run(func, args, kwargs)
        found = func(*args, **kwargs)
        return found if tensors or not self.badged else tree_map_only(Tensor, Badge, found)


def _run(func, args, kwargs):
    _refuse_strangers(func, args, kwargs)
    badges = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Badge)]
    if Card.present is not None:
        Card.present.kernels += 1
    if func in READS or (func is aten.copy_.default and not isinstance(args[0], Badge)):
        _note_read_back()
    plain_args, plain_kwargs = tree_map_only(Badge, lambda each: each.plain, (args, dict(kwargs)))
    found = func(*plain_args, **plain_kwargs)
    if Card.present is not None and Card.present.recording is not None:
        assert func not in READS, "a capture cannot wait for a value"
        Card.present.recording.append((func, plain_args, plain_kwargs, found))
    if func is aten.copy_.default:
        return args[0]
    known = {id(each.plain): each for each in badges}
    return tree_map_only(Tensor, lambda each: known[id(each)] if id(each) in known else Badge(each), found)


def _refuse_strangers(func, args, kwargs) -> None:
    """CUDA's own rule: all tensors on one device; numbers (0-dimensional) and indices may come from the CPU."""
    if func in COPIES | TAKES_CPU_INDICES:
        return
    strangers = [
        each
        for each in tree_leaves((args, kwargs))
        if isinstance(each, Tensor) and not isinstance(each, Badge) and each.dim()
    ]
    if strangers:
        shapes = [tuple(each.shape) for each in strangers]
        raise RuntimeError(f"Expected all tensors to be on the same device: {func} met {shapes} of the CPU")


def _on_card(func, args, kwargs):
    if func is Tensor.cuda or (func is Tensor.to and isinstance(args[0], Badge)):
        rest = [each for each in args if not _names_card(each)]
        named = {name: value for name, value in kwargs.items() if name != "device" and value is not None}
        return func(*rest, **named) if len(rest) > 1 or named else args[0]
    args = ["cpu" if _names_card(each) else each for each in args]
    kwargs = {name: "cpu" if _names_card(value) else value for name, value in kwargs.items()}
    return tree_map_only(Tensor, _badged_copy, func(*args, **kwargs))


def _badged_copy(plain: Tensor) -> Badge:
    badge = Badge(plain.detach().clone())
    return badge.requires_grad_() if plain.requires_grad else badge


def _names(value: object, kind: str) -> bool:
    """Whether this is a device of that kind, or its name."""
    return isinstance(value, (str, torch.device)) and str(value).partition(":")[0] == kind


def _names_card(value: object) -> bool:
    return _names(value, "cuda")


def _names_cpu(value: object) -> bool:
    return _names(value, "cpu")


def _is_badged(value: object) -> bool:
    while isinstance(value, Tensor) and _functorch.is_functorch_wrapped_tensor(value):
        value = _functorch.get_unwrapped(value)
    return isinstance(value, Badge)


def _note_read_back() -> None:
    if Card.present is not None:
        Card.present.read_backs[next(_places(), "a test")] += 1


def _places() -> Iterator[str]:
    """The lines of the package that are being run, innermost first."""
    frame = sys._getframe(1)
    while frame is not None:
        _, package, name = frame.f_code.co_filename.rpartition("lambda_core/")
        if package:
            yield f"{name}:{frame.f_lineno}"
        frame = frame.f_back
