"""Weights of a file in a network: all fit, or an error that names what does not."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lambda_core.backbones import fill, fill_but_head, with_ways
from lambda_core.errors import ModelError


def network(ways: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Sequential(nn.Linear(4, 6), nn.ReLU()), nn.Sequential(nn.Linear(6, 5), nn.Linear(5, ways)))


def test_what_does_not_fit_is_named():
    weights = network().state_dict()
    weights.pop("0.0.bias")
    weights |= {"0.0.weight": torch.zeros(2, 4), "more": torch.zeros(1)}
    with pytest.raises(ModelError, match=r"lack 0\.0\.bias; they have too many: more; 0\.0\.weight is \(2, 4\), not"):
        fill(network(), weights)


def test_names_that_all_begin_alike_are_told():
    weights = {f"module.{name}": value for name, value in network().state_dict().items()}
    with pytest.raises(ModelError, match=r"too many: module\.0\.0\.weight.*; take module\. off the beginning of their"):
        fill(network(), weights)


def test_a_model_is_as_it_was_where_weights_do_not_fit():
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ModelError):
        fill(model, {"0.0.weight": torch.zeros(6, 4)})
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(("head", "rows"), [("zero", "zero"), (None, "zero"), ("equal", "equal")])
def test_a_head_of_another_number_of_ways_is_made_anew(head, rows):
    wide, model = network(7).state_dict(), network()
    fill_but_head(model, wide, head)
    expected = wide["1.1.weight"].mean(0) if rows == "equal" else torch.zeros(5)
    assert all(torch.equal(row, expected) for row in model[1][1].weight)
    assert torch.equal(model[1][0].weight, wide["1.0.weight"])  # of the last layer the last map alone is the head


def test_a_head_that_fits_is_kept_unless_another_is_asked_for():
    weights, model = network().state_dict(), network()
    fill_but_head(model, weights)
    assert torch.equal(model[1][1].weight, weights["1.1.weight"])
    with pytest.raises(ModelError, match=r"1\.1\.weight is \(7, 5\), not \(3, 5\)"):
        fill_but_head(network(), network(7).state_dict(), "kept")


def test_a_file_without_a_head_gets_one_of_zeros():
    weights, model = network().state_dict(), network()
    for name in ("1.1.weight", "1.1.bias"):
        weights.pop(name)
    fill_but_head(model, weights)
    assert torch.count_nonzero(model[1][1].weight) == 0
    with pytest.raises(ModelError, match=r"they lack 1\.1\.weight, 1\.1\.bias$"):
        fill_but_head(network(), weights, "equal")
    weights.pop("0.0.weight")
    with pytest.raises(ModelError, match=r"they lack 0\.0\.weight$"):
        fill_but_head(network(), weights)


def test_what_does_not_fit_below_a_layer_that_is_no_linear_map_is_told():
    def make(width):
        return nn.Sequential(nn.Linear(3, width), nn.LayerNorm(width))

    with pytest.raises(ModelError, match=r"0\.weight is \(2, 3\), not \(4, 3\)"):
        fill_but_head(make(4), make(2).state_dict())


def test_another_number_of_ways_anew_has_equal_rows():
    model = network(7)
    mean = model[1][1].weight.mean(0)
    assert torch.allclose(with_ways(model, 2, anew=True)[1][1].weight, mean.expand(2, 5))


def test_a_last_layer_that_is_no_linear_map_cannot_be_made_anew():
    model = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))
    with pytest.raises(ModelError, match=r"no nn\.Linear"):
        with_ways(model, 2)
