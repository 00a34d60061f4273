"""Many patterns on one episode by the compiled loop, against each adapted by itself, in any order."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch.nn import functional as F

from lambda_core.adaptation import adapt
from lambda_core.backbones import Backbone, conv4, resnet12
from lambda_core.compiled import CompiledQueries
from lambda_core.episodes import Episode
from lambda_core.measurement.compiled_episode import CompiledEpisode, episode_for_many
from lambda_core.measurement.shared_episode import SharedEpisode
from lambda_core.patterns import LambdaPattern

LR, PATTERNS = 0.05, ["".join(digits) for digits in product("01", repeat=5) if "1" in digits]


MODELS = {"conv4": lambda: conv4(3, 6, 1, 16), "resnet12": lambda: resnet12(3, 2, 1)}


def _model_and_episode(name="conv4", dtype=torch.float64):
    torch.manual_seed(0)
    model = MODELS[name]().to(dtype)
    support, query = torch.randn(3, 1, 16, 16, dtype=dtype), torch.randn(12, 1, 16, 16, dtype=dtype)
    return model, Episode(support, torch.arange(3), query, torch.arange(12) % 3)


def _alone(model, episode, text, steps, lr):
    adapted = adapt(model, episode.support_x, episode.support_y, LambdaPattern.parse(text, 5), steps, lr)
    logits = adapted(episode.query_x)
    hits = (logits.argmax(1) == episode.query_y).double().mean()
    return hits.item(), F.cross_entropy(logits, episode.query_y).item()


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("name", MODELS)
def test_every_pattern_scores_as_if_it_were_alone(name, order):
    model, episode = _model_and_episode(name)
    many = episode_for_many(Backbone.of(model), episode, LR, "transductive")
    assert isinstance(many, CompiledEpisode)
    for text in [*PATTERNS[::order], "10000/00001", "00001/11111"]:
        scores = many.trajectory(LambdaPattern.parse(text, 5), 3, scale=2.0)
        for steps in (1, 3):
            accuracy, loss = _alone(model, episode, text, steps, 2 * LR)
            assert scores[steps - 1].tolist() == pytest.approx([accuracy, loss], rel=1e-6)
    unadapted = F.cross_entropy(model(episode.query_x), episode.query_y).item()
    assert many.unadapted()[0, 1].item() == pytest.approx(unadapted, rel=1e-6)


def test_queries_pass_only_the_layers_that_differ(monkeypatch):
    model, episode = _model_and_episode()
    many, passed = episode_for_many(Backbone.of(model), episode, LR, "transductive"), []
    forward = CompiledQueries._forward

    def noted(own, lowest):
        passed.append(lowest)
        forward(own, lowest)

    monkeypatch.setattr(CompiledQueries, "_forward", noted)
    for text in ("00001", "00110", "01000", "00001"):
        many.trajectory(LambdaPattern.parse(text, 5), 2)
    assert passed == [4, 4, 2, 2, 1, 1, 1, 4]


def test_what_the_compiled_loop_does_not_serve_is_shared_as_before():
    model, episode = _model_and_episode()
    assert isinstance(episode_for_many(Backbone.of(model), episode, LR, "support"), SharedEpisode)
    model.conv2.register_forward_hook(lambda *_: None)
    assert isinstance(episode_for_many(Backbone.of(model), episode, LR, "transductive"), SharedEpisode)
