"""The compiled meta-gradient against the definition by autograd, and finite differences; where it does not apply."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lambda_core.adaptation import adapt_by_definition
from lambda_core.backbones import Backbone, conv4, mlp
from lambda_core.compiled import compiled_meta_gradient
from lambda_core.patterns import LambdaPattern
from tests.compiled.test_loop import LR, STEP_BY_STEP, STEPS, WAYS, _model, _support

PATTERNS = ["11111", "00001", "11110", "01010", "10000", "00100"]


def _queries(dtype, channels=3, size=16, images=9):
    torch.manual_seed(2)
    return torch.randn(images, channels, size, size, dtype=dtype), torch.arange(images) % WAYS


def _ours(model, support, query, text, steps=STEPS, **options):
    backbone = Backbone.of(model)
    rows = LambdaPattern.parse(text, len(backbone.layers)).rows_for(steps)
    return compiled_meta_gradient(backbone, backbone.weights(), support, query, LR, rows, F.cross_entropy, **options)


def _flat(found):
    return torch.cat([value.flatten() for own in found.gradient for value in own.values()])


def _loss(model, support, query, text, steps=STEPS, *, create_graph=True):
    pattern = LambdaPattern.parse(text, 5)
    weights = adapt_by_definition(model, *support, pattern, steps, LR, create_graph=create_graph)
    output = torch.func.functional_call(model, weights, (query[0],))
    return F.cross_entropy(output, query[1]), float((output.argmax(1) == query[1]).double().mean())


def _largest_error(model, support, query, text, steps=STEPS):
    found = _ours(model, support, query, text, steps)
    loss, accuracy = _loss(model, support, query, text, steps)
    plain = torch.autograd.grad(loss, list(model.parameters()), materialize_grads=True, allow_unused=True)
    assert found.loss == pytest.approx(float(loss.detach()), rel=1e-5)
    assert found.accuracy == pytest.approx(accuracy)
    ours = [value for own in found.gradient for value in own.values()]
    assert all(one.shape == other.shape for one, other in zip(ours, plain, strict=True))
    scale = max(float(each.norm()) for each in plain)
    return max(float((one - other).norm()) / scale for one, other in zip(ours, plain, strict=True))


@pytest.mark.parametrize("text", [*PATTERNS, *STEP_BY_STEP])
def test_every_kind_of_pattern_gives_the_definitions_gradient(text):
    model = _model(torch.float64)
    assert _largest_error(model, _support(torch.float64, 6), _queries(torch.float64), text) < 1e-11


@pytest.mark.parametrize(("channels", "size", "filters"), [(1, 16, 1), (2, 21, 5), (3, 35, 33), (5, 18, 6)])
@pytest.mark.parametrize("text", ["11111", "01010"])
def test_odd_sizes_and_any_channels_and_filters(text, channels, size, filters):
    model = _model(torch.float64, channels, size, filters)
    support, query = _support(torch.float64, 6, channels, size), _queries(torch.float64, channels, size)
    assert _largest_error(model, support, query, text) < 1e-11


@pytest.mark.parametrize("text", ["11111", "00110"])
def test_it_equals_finite_differences(text):
    model, support, query = _model(torch.float64), _support(torch.float64, 6), _queries(torch.float64)
    gradient, step = _flat(_ours(model, support, query, text)), 1e-7
    direction = torch.randn_like(gradient)
    parts = torch.split(direction, [each.numel() for each in model.parameters()])
    values = []
    for change in (step, -2 * step):
        with torch.no_grad():
            for parameter, part in zip(model.parameters(), parts, strict=True):
                parameter.add_(part.view(parameter.shape), alpha=change)
        values.append(float(_loss(model, support, query, text, create_graph=False)[0].detach()))
    assert float(gradient @ direction) == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5)


def test_float32_is_right_to_its_own_rounding():
    """Against float64, compiled, at the same weights and images; the definition in float32 is the measure."""
    model, support, query = _model(torch.float32), _support(torch.float32, 5), _queries(torch.float32)
    ours = _flat(_ours(model, support, query, "11111")).double()
    loss, _ = _loss(model, support, query, "11111")
    plain = torch.cat([each.flatten() for each in torch.autograd.grad(loss, list(model.parameters()))]).double()
    model.double()
    support, query = ((x.double(), y) for x, y in (support, query))
    exact = _flat(_ours(model, support, query, "11111"))
    assert float((ours - exact).norm()) < max(1e-4 * float(exact.norm()), 3 * float((plain - exact).norm()))


def test_first_order_is_the_gradient_at_the_adapted_weights():
    model, support, query = _model(torch.float64), _support(torch.float64, 6), _queries(torch.float64)
    found = _ours(model, support, query, "11111", second_order=False)
    adapted = adapt_by_definition(model, *support, LambdaPattern.parse("11111", 5), STEPS, LR)
    leaves = {name: value.detach().requires_grad_() for name, value in adapted.items()}
    loss = F.cross_entropy(torch.func.functional_call(model, leaves, (query[0],)), query[1])
    plain = torch.cat([each.flatten() for each in torch.autograd.grad(loss, list(leaves.values()))])
    assert torch.allclose(_flat(found), plain, rtol=1e-9, atol=1e-12)


def test_steps_that_update_nothing_leave_the_gradient_of_the_queries():
    model, support, query = _model(torch.float64), _support(torch.float64, 6), _queries(torch.float64)
    assert torch.equal(_flat(_ours(model, support, query, "00000")), _flat(_ours(model, support, query, "11111", 0)))


def test_it_stays_out_of_what_it_does_not_know():
    support, query = _support(torch.float64, 6), _queries(torch.float64)
    values = (torch.randn(6, 1, dtype=torch.float64), torch.arange(6) % WAYS)
    assert _ours(mlp(1, WAYS).double(), values, values, "111") is None
    assert _ours(_model(torch.float64), support, (query[0], query[1].float()), "11111") is None
    assert _ours(conv4(WAYS, 6, size=16), support, query, "11111") is None  # of another type than the images
