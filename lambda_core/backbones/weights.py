"""Weights put into a network: all of them as they are, or those of the same network with another head."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lambda_core.errors import ModelError

HEADS = ("kept", "zero", "equal")


def fill(model: nn.Module, weights: Mapping[str, Tensor], *, assign: bool = False) -> None:
    """Copy `weights` into the model, in its own types, or make them its own (assign). Raises ModelError that names the
    tensors that are missing, of another shape or too many.
    """
    _check_fit(model, weights)
    own = model.state_dict()
    model.load_state_dict({name: _as_type(value, own[name]) for name, value in weights.items()}, assign=assign)


def fill_but_head(model: nn.Sequential, weights: Mapping[str, Tensor], head: str | None = None) -> None:
    """The same for weights of a network with any number of outputs; the head is made anew.

    head: zero, or equal: every row the mean of the rows that the weights have, so that no class starts with anything of
    its own (Ye and Chao 2022, arXiv 2106.16245); kept: as it is; None: kept where it fits, else zero.
    """
    weights, own = dict(weights), model.state_dict()
    if head is None:
        head = "kept" if _has_head(model, weights) else "zero"
    if head != "kept":
        name = head_name(model)
        for key in [key for key in own if key.startswith(f"{name}.") and (head == "zero" or key in weights)]:
            weights[key] = _equal_rows(weights[key], own[key]) if head == "equal" else torch.zeros_like(own[key])
    fill(model, weights)


def _has_head(model: nn.Sequential, weights: Mapping[str, Tensor]) -> bool:
    """Whether the weights hold a head of the network's shape, or it has none that could be made anew."""
    try:
        name = head_name(model)
    except ModelError:
        return True
    keys = [(key, own.shape) for key, own in model.state_dict().items() if key.startswith(f"{name}.")]
    return all(key in weights and weights[key].shape == shape for key, shape in keys)


def with_ways(model: nn.Sequential, ways: int, *, anew: bool = False) -> nn.Sequential:
    """The model, changed in place, with a head of `ways` outputs, each row the mean of those that there were.

    Raises ModelError where the rows differ, unless a head is wanted `anew`: they were learned for a number of ways, and
    nobody knows what another row should be.
    """
    name = head_name(model)
    parent, head = model.get_submodule(name.rpartition(".")[0]), model.get_submodule(name)
    assert isinstance(head, nn.Linear)
    if head.out_features == ways:
        return model
    if not anew and not all(torch.equal(value, value[:1].expand_as(value)) for value in head.parameters()):
        raise ModelError(f"its head was learned for {head.out_features} ways, so it cannot serve {ways}")
    other = nn.Linear(head.in_features, ways, bias=head.bias is not None)
    with torch.no_grad():
        for new, old in zip(other.parameters(), head.parameters(), strict=True):
            new.copy_(_equal_rows(old, new))
    setattr(parent, name.rpartition(".")[2], other.train(head.training))
    return model


def head_name(model: nn.Sequential) -> str:
    """The path of the last linear map, which gives the logits. Raises ModelError where the last layer has none."""
    names = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    owners = [name.split(".")[0] for name, _ in model.named_parameters()]
    if not names or names[-1].split(".")[0] != owners[-1]:
        raise ModelError("the last layer holds no nn.Linear, which a head that is made anew must be")
    return str(names[-1])


def _equal_rows(rows: Tensor, own: Tensor) -> Tensor:
    return rows.to(own.dtype).mean(0, keepdim=True).expand(len(own), *rows.shape[1:])


def _check_fit(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    own = model.state_dict()
    missing = [name for name in own if name not in weights]
    extra = [name for name in weights if name not in own]
    others = [
        f"{name} is {tuple(weights[name].shape)}, not {tuple(value.shape)}"
        for name, value in own.items()
        if name in weights and weights[name].shape != value.shape
    ]
    faults = [*_told("lack", missing), *_told("have too many:", extra), *others[:3]]
    first = extra[0].partition(".")[0] if extra else ""
    if extra and all(name.removeprefix(f"{first}.") in own for name in extra):
        faults.append(f"take {first}. off the beginning of their names")
    if faults:
        raise ModelError(f"the weights do not fit the network: {'; '.join(faults)}")


def _told(word: str, names: list[str]) -> list[str]:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [f"they {word} {', '.join(names[:3])}{more}"] if names else []


def _as_type(value: Tensor, own: Tensor) -> Tensor:
    """Half precision on disk is float32 in the network."""
    return value.to(own.dtype)
