"""Calling a user's modules without touching them: on private copies, found out to be repeatable first.

An adaptation calls a layer with other weights than the model's own and keeps what goes into it. So a module must give
the same output for the same input, must not write into what was kept, and must not be shared between threads while it
holds borrowed weights. Copies share the parameters' storage, so that a copy costs no memory to speak of.
"""

from __future__ import annotations

import copy
import random
import threading
from collections.abc import Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from lambda_core.backbones.inspection import is_known_repeatable
from lambda_core.backbones.normalisations import with_leading_statistics
from lambda_core.errors import ModelError
from lambda_core.kernels import Weights


class ModuleCall:
    """A row of modules, the first of which may own parameters, called one after the other.

    name: how errors call it. Several threads may call it at once, each on copies of its own.
    """

    def __init__(self, name: str, modules: Sequence[nn.Module]) -> None:
        self.name, self.modules = name, tuple(modules)
        self._copies, self._lock = threading.local(), threading.Lock()
        self._known = all(map(is_known_repeatable, self.modules))
        self._overwrites_input: bool | None = self._has_in_place_modules() if self._known else self._as_found_before()

    def __call__(self, weights: Weights, x: Tensor, leading: int | None = None) -> Tensor:
        """The output for x under `weights`, the first module's parameters by name.

        leading: batch normalisations take their statistics from so many leading rows. Raises ModelError for modules
        that are not repeatable, and for an output that is no tensor.
        """
        if self._overwrites_input is None:
            with self._lock:
                if self._overwrites_input is None:
                    self._overwrites_input = self._try_out(weights, x)
                    _TRIED_OUT[self.modules[0]] = state_of(self.modules), self._overwrites_input
        copies = self.private_copies(leading)
        versions = _versions(copies)
        y = self._run(copies, weights, x.clone() if self._overwrites_input else x)
        self._check_buffers(copies, versions)
        return y

    def private_copies(self, leading: int | None = None) -> tuple[nn.Module, ...]:
        """This thread's copies of the modules, which share the parameters with them and nothing else."""
        if not hasattr(self._copies, "by_leading"):
            self._copies.by_leading = {}
        mine: dict[int | None, tuple[nn.Module, ...]] = self._copies.by_leading
        if leading not in mine:
            copies = tuple(self._copy(module) for module in self.modules)
            mine[leading] = copies if leading is None else with_leading_statistics(copies, leading)
        return mine[leading]

    def _copy(self, module: nn.Module) -> nn.Module:
        if self._known:
            return _shell(module, {})
        memo: dict[int, Any] = {id(parameter): parameter for parameter in module.parameters()}
        try:
            with torch.inference_mode(False):
                return copy.deepcopy(module, memo)
        except Exception as error:  # a user's own __deepcopy__ may raise anything
            raise ModelError(
                f"{self.name} cannot be copied ({_first_line(error)}), as every adaptation must; where weights are "
                "pruned or normalised the old way, make that permanent first (torch.nn.utils.prune.remove, "
                "remove_weight_norm)"
            ) from error

    def _run(self, copies: Sequence[nn.Module], weights: Weights, x: Tensor) -> Tensor:
        first, *rest = copies
        y = self._tensor(functional_call(first, weights, (x,)) if weights else first(x))
        for module in rest:
            y = self._tensor(module(y))
        return y

    def _tensor(self, y: Any) -> Tensor:
        if isinstance(y, Tensor):
            return y
        raise ModelError(
            f"{self.name} returns a {type(y).__name__}; a layer must return one tensor: wrap it in a module that picks "
            "the part that goes on"
        )

    def _try_out(self, weights: Weights, x: Tensor) -> bool:
        """Whether the modules overwrite their input. Raises ModelError where two calls differ."""
        copies, own = self.private_copies(), {name: value.detach() for name, value in weights.items()}
        with torch.no_grad(), torch.inference_mode(False):
            given, again = x.detach().clone(), x.detach().clone()
            before, version, versions = _random_state(x), given._version, _versions(copies)
            first = self._run(copies, own, given)
            self._check_buffers(copies, versions)
            if not _same_state(before, _random_state(x)):
                raise ModelError(
                    f"{self.name} draws random numbers: its activations cannot be reused; call .eval() on the model, "
                    "or take the randomness out"
                )
            if not _agree(first, self._run(copies, own, again)):
                raise ModelError(f"{self.name} gives another output at each call: its activations cannot be reused")
        return given._version != version

    def _check_buffers(self, copies: Sequence[nn.Module], versions: list[int]) -> None:
        if versions != _versions(copies):
            raise ModelError(f"{self.name} changes its own buffers when it is called; call .eval() on the model first")

    def _as_found_before(self) -> bool | None:
        """What an earlier view of the same modules, in the same modes, found out; None: they must be tried out."""
        state, overwrites = _TRIED_OUT.get(self.modules[0], (None, False))
        return overwrites if state == state_of(self.modules) else None

    def _has_in_place_modules(self) -> bool:
        return any(getattr(each, "inplace", False) for module in self.modules for each in module.modules())


def _shell(module: nn.Module, made: dict[int, nn.Module]) -> nn.Module:
    """A module of the same parameters, buffers and settings, whose parameters can be lent others; several times quicker
    than `copy.deepcopy`, and as good where a call changes nothing of the module.

    made: shells by the module's id, so that one used twice stays one.
    """
    if id(module) not in made:
        made[id(module)] = shell = object.__new__(type(module))
        inner = {name: None if each is None else _shell(each, made) for name, each in module._modules.items()}
        own = {"_parameters": dict(module._parameters), "_buffers": dict(module._buffers), "_modules": inner}
        hooks = {name: copy.copy(value) for name, value in vars(module).items() if name.endswith("_hooks")}
        shell.__dict__.update(module.__dict__ | own | hooks)
    return made[id(module)]


_TRIED_OUT: WeakKeyDictionary[nn.Module, tuple[list[Any], bool]] = WeakKeyDictionary()


def state_of(modules: Sequence[nn.Module]) -> list[Any]:
    """What a view of modules rests on beside their weights: which they are, their modes, hooks and buffers."""
    inside = [each for module in modules for each in module.modules()]
    return [*map(id, inside), *looks_of(inside)]


def looks_of(modules: Sequence[nn.Module]) -> list[Any]:
    """Modes, hooks and buffers of these modules themselves; looked at before every adaptation, so made to be quick."""
    looks: list[Any] = []
    for module in modules:
        looks += (module.training, len(module._forward_hooks), len(module._forward_pre_hooks))
        if module._buffers:
            buffers = [buffer for buffer in module._buffers.values() if buffer is not None]
            looks += [(id(buffer), 0 if buffer.is_inference() else buffer._version) for buffer in buffers]
    return looks


def _versions(modules: Sequence[nn.Module]) -> list[int]:
    return [0 if buffer.is_inference() else buffer._version for buffer in _buffers(modules)]


def _buffers(modules: Sequence[nn.Module]) -> Iterator[Tensor]:
    for module in modules:
        yield from module.buffers()


def _random_state(x: Tensor) -> tuple[Any, ...]:
    devices = [torch.cuda.get_rng_state(x.device)] if x.is_cuda else []
    return torch.get_rng_state(), random.getstate(), np.random.get_state(), *devices


def _same_state(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    tensors = all(torch.equal(a, b) for a, b in zip((one[0], *one[3:]), (other[0], *other[3:]), strict=True))
    return tensors and one[1] == other[1] and repr(one[2]) == repr(other[2]) and bool((one[2][1] == other[2][1]).all())


def _agree(one: Tensor, other: Tensor) -> bool:
    """Equal up to the order of summing, which threads and a GPU may change."""
    return one.shape == other.shape and torch.allclose(one, other, rtol=1e-4, atol=1e-6, equal_nan=True)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
