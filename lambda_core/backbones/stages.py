"""Models that are no row of layers, as one: cut at named modules, with everything between them kept.

torch.fx follows a call of the model and writes down every operation, functional ones too. The operations are then
divided among stages: a stage begins where its module is first called, and takes all that follows up to the next.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, fx, nn

from lambda_core.errors import ModelError


def layers_of(model: nn.Module, stages: Sequence[str], example: Tensor | None = None) -> nn.Sequential:
    """`model` as an `nn.Sequential` of the named stages: the same function, the same parameters.

    stages: paths of modules in the order in which they are called, such as ["features", "classifier"]; each names the
    layer that begins with it, and the first also holds what comes before. Dots in a name become underscores.
    example: an input, (N, …) float, on which both are compared; without one, nothing is run. The modes of the model
    (training or evaluation) are those that it has now. Raises ModelError where a path does not exist, the order is
    another one, a stage needs more than the output of the one before, or the model cannot be followed.
    """
    traced = _followed(model, stages)
    starts = [_first_call(traced, stage) for stage in stages]
    if starts != sorted(starts):
        raise ModelError(f"the stages are called in another order: {', '.join(_by_start(stages, starts))}")
    parts = _divided(traced, stages, starts)
    layers = nn.Sequential(
        OrderedDict((name.replace(".", "_"), part) for name, part in zip(stages, parts, strict=True))
    )
    layers.train(model.training)
    if example is not None:
        _check_equal(model, layers, example)
    return layers


def _followed(model: nn.Module, stages: Sequence[str]) -> fx.GraphModule:
    known = dict(model.named_modules())
    if missing := [stage for stage in stages if stage not in known or not stage]:
        raise ModelError(f"the model has no module {missing[0]!r}; its own are {', '.join(_top(known))}")
    try:
        tracer = fx.Tracer()
        graph = tracer.trace(model)
    except Exception as error:  # what a user's forward does with a proxy may raise anything
        raise ModelError(
            f"torch.fx cannot follow the model ({(str(error).splitlines() or ['?'])[0][:150]}); write it as an "
            "nn.Sequential of your own modules instead"
        ) from error
    traced = fx.GraphModule(tracer.root, graph)
    _move_parameters_to_their_use(traced)
    return traced


def _top(known: dict[str, nn.Module]) -> list[str]:
    return [name for name in known if name and "." not in name]


def _first_call(traced: fx.GraphModule, stage: str) -> int:
    """The place, among all operations, of the first one that belongs to the module."""
    for place, node in enumerate(traced.graph.nodes):
        paths = [path for path, _ in node.meta.get("nn_module_stack", {}).values()]
        if node.op == "call_module":
            paths.append(str(node.target))
        if any(path == stage or path.startswith(f"{stage}.") for path in paths):
            return place
    raise ModelError(f"the module {stage!r} is never called")


def _by_start(stages: Sequence[str], starts: Sequence[int]) -> list[str]:
    return [stage for _, stage in sorted(zip(starts, stages, strict=True))]


def _divided(traced: fx.GraphModule, stages: Sequence[str], starts: Sequence[int]) -> list[fx.GraphModule]:
    """The operations of each stage as a module of its own, of one tensor each."""
    nodes = [node for node in traced.graph.nodes if node.op not in ("placeholder", "output")]
    inputs = [node for node in traced.graph.nodes if node.op == "placeholder"]
    place_of = {node: place for place, node in enumerate(traced.graph.nodes)}
    bounds = [0, *starts[1:], len(place_of)]
    groups = [[n for n in nodes if low <= place_of[n] < high] for low, high in pairwise(bounds)]
    if len(inputs) != 1:
        raise ModelError(f"the model takes {len(inputs)} inputs; a row of layers takes one tensor")
    entering, parts = inputs[0], []
    for stage, group in zip(stages, groups, strict=True):
        leaving = _only_result(stage, group)
        parts.append(fx.GraphModule(traced, _graph_of(stage, group, entering, leaving)))
        entering = leaving
    return parts


def _only_result(stage: str, group: list[fx.Node]) -> fx.Node:
    """The one operation of a stage that anything outside of it uses."""
    results = [node for node in group if any(user not in group for user in node.users)]
    if len(results) != 1:
        names = ", ".join(map(str, results)) or "nothing"
        raise ModelError(f"stage {stage!r} passes on {names}; cut where one tensor passes")
    return results[0]


def _graph_of(stage: str, group: list[fx.Node], entering: fx.Node, leaving: fx.Node) -> fx.Graph:
    graph = fx.Graph()
    copies = {entering: graph.placeholder("x")}
    for node in group:
        foreign = [each for each in node.all_input_nodes if each not in copies]
        if foreign:
            raise ModelError(f"stage {stage!r} needs {foreign[0]} of an earlier stage; cut where one tensor passes")
        copies[node] = graph.node_copy(node, lambda each: copies[each])
    graph.output(copies[leaving])
    return graph


def _move_parameters_to_their_use(traced: fx.GraphModule) -> None:
    """A parameter read far above its only use would have to pass through the stages between."""
    place_of = {node: place for place, node in enumerate(traced.graph.nodes)}
    for node in list(traced.graph.nodes):
        if node.op == "get_attr" and node.users:
            min(node.users, key=lambda user: place_of[user]).prepend(node)
    traced.recompile()


def _check_equal(model: nn.Module, layers: nn.Sequential, example: Tensor) -> None:
    with torch.no_grad():
        state = torch.get_rng_state()
        whole = model(example.clone())
        torch.set_rng_state(state)
        cut = layers(example.clone())
    if not isinstance(whole, Tensor) or not torch.equal(whole, cut):
        raise ModelError("the stages give another output than the model: it does not do the same at every call")
