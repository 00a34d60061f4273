"""Support statistics: what queries that come one at a time need."""

import pytest
import torch
from torch import nn

from lambda_core.adaptation.query_statistics import query_logits
from lambda_core.backbones.backbone import Backbone
from lambda_core.backbones.networks import conv4, resnet12
from lambda_core.errors import ConfigError
from tests.support.oracle import plain_conv4


def _plain_with_support_statistics(model: nn.Sequential, support: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    """The library's own way: running averages with momentum 1, filled by the support set alone."""
    biased = {}

    def remember(module, inputs):
        biased[module] = inputs[0].detach().var((0, 2, 3), correction=0)

    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(remember) for norm in norms]
    for norm in norms:
        norm.track_running_stats, norm.momentum = True, 1.0
        norm.running_mean, norm.running_var = torch.zeros(norm.num_features), torch.ones(norm.num_features)
        norm.running_mean, norm.running_var = norm.running_mean.double(), norm.running_var.double()
    model.train()(support)
    for hook in hooks:
        hook.remove()
    for norm in norms:
        norm.running_var = biased[norm]  # a batch normalises by its biased variance
    return model.eval()(query)


def test_queries_are_normalised_by_the_support_set():
    torch.manual_seed(0)
    model, plain = conv4(3, 4, 1, 16).double(), plain_conv4(3, 4, 1, 16).double()
    plain.load_state_dict(model.state_dict())
    support, query = torch.randn(3, 1, 16, 16).double(), torch.randn(7, 1, 16, 16).double()
    backbone = Backbone.of(model)
    found = query_logits(backbone, backbone.weights(), support, query, "support")
    assert torch.allclose(found, _plain_with_support_statistics(plain, support, query), atol=1e-9)


@pytest.mark.parametrize("build", [lambda: conv4(3, 4, 1, 16), lambda: resnet12(3, 2, 1)], ids=["conv4", "resnet12"])
def test_one_query_at_a_time_gives_what_all_together_do(build):
    torch.manual_seed(0)
    backbone = Backbone.of(build().double())
    support, query = torch.randn(3, 1, 16, 16).double(), torch.randn(4, 1, 16, 16).double()
    together = query_logits(backbone, backbone.weights(), support, query, "support")
    alone = [query_logits(backbone, backbone.weights(), support, one[None], "support") for one in query]
    assert torch.allclose(torch.cat(alone), together, atol=1e-10)
    transductive = query_logits(backbone, backbone.weights(), support, query, "transductive")
    assert not torch.allclose(transductive, together, atol=1e-3)


def test_the_model_is_as_before_afterwards():
    model = conv4(3, 4, 1, 16)
    support, query = torch.randn(3, 1, 16, 16), torch.randn(4, 1, 16, 16)
    before = model(query)
    backbone = Backbone.of(model)
    query_logits(backbone, backbone.weights(), support, query, "support")
    assert torch.equal(model(query), before)


def test_an_unknown_choice_is_refused():
    backbone = Backbone.of(conv4(3, 4, 1, 16))
    with pytest.raises(ConfigError, match="transductive, support, stored, not 'both'"):
        query_logits(backbone, backbone.weights(), torch.zeros(3, 1, 16, 16), torch.zeros(3, 1, 16, 16), "both")
