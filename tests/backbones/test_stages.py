"""Models that are no row of layers, cut at named modules: the same function, and a whole measurement on each."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torch.func import functional_call

from lambda_core.adaptation.adapting import adapt
from lambda_core.adaptation.reference import adapt_by_definition
from lambda_core.backbones import layer_products
from lambda_core.backbones.stages import layers_of
from lambda_core.config import TimingConfig
from lambda_core.data import ImageDataset
from lambda_core.episodes import EpisodeBank
from lambda_core.errors import ModelError
from lambda_core.measurement import measure_times, sweep
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import select_pattern

M = torchvision.models


def vit() -> nn.Module:
    return M.VisionTransformer(image_size=32, patch_size=8, num_layers=3, num_heads=2, hidden_dim=16, mlp_dim=32)


# the recipes of docs/models.md, on small inputs
FAMILIES: dict[str, tuple[Callable[[], nn.Module], list[str]]] = {
    "mobilenet_v3": (M.mobilenet_v3_small, ["features.0", "features.4", "features.9", "classifier"]),
    "efficientnet": (M.efficientnet_b0, ["features.0", "features.4", "features.6", "classifier"]),
    "convnext": (M.convnext_tiny, ["features.0", "features.3", "features.5", "features.7", "classifier"]),
    "vit": (vit, ["conv_proj", "encoder.layers.encoder_layer_1", "encoder.layers.encoder_layer_2", "heads"]),
    "resnet": (M.resnet18, ["conv1", "layer2", "layer3", "layer4", "fc"]),
}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request) -> tuple[nn.Module, list[str]]:
    torch.manual_seed(0)
    build, stages = FAMILIES[request.param]
    return build().eval(), stages


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    random = np.random.RandomState(0)
    pixels = random.randint(0, 256, (24, 32, 32, 3)).astype(np.uint8)
    names = tuple("abcdef")
    data = ImageDataset("small", "noise", pixels, np.repeat(np.arange(6), 4), names,
                        {"train": names[:2], "val": names[2:4], "test": names[4:]})  # fmt: skip
    return EpisodeBank(data, "val", ways=2, shots=1, queries=2)


def test_the_stages_are_the_model(family):
    model, stages = family
    x = torch.randn(3, 3, 32, 32)
    layers = layers_of(model, stages, x)
    assert [name for name, _ in layers.named_children()] == [stage.replace(".", "_") for stage in stages]
    assert {id(value) for value in layers.parameters()} == {id(value) for value in model.parameters()}
    with torch.no_grad():
        assert torch.equal(layers(x), model(x))


@pytest.mark.slow
def test_the_whole_model_is_adapted_as_defined(family):
    """Against the original model called whole: its own parameters, found again by identity, adapted as defined."""
    model, stages = family
    model, x, y = copy.deepcopy(model).double(), torch.randn(3, 3, 32, 32, dtype=torch.float64), torch.arange(3)
    layers, count = layers_of(model, stages), len(stages)
    layer_of = {id(value): name for name, child in layers.named_children() for value in child.parameters()}
    columns = tuple(name for name, _ in model.named_parameters())  # each parameter is a column of its own
    row_of = {name: stages.index(stage) for name, value in model.named_parameters()
              for stage in stages if layer_of[id(value)] == stage.replace(".", "_")}  # fmt: skip
    for text in ("1" * count, "0" * (count - 1) + "1", "01" + "0" * (count - 3) + "1/" + "0" * (count - 1) + "1"):
        pattern = LambdaPattern.parse(text, count)
        widened = LambdaPattern.from_matrix([[row[row_of[name]] for name in columns] for row in pattern.rows])
        wanted = adapt_by_definition(model, x, y, widened, 2, 0.01, layers=columns)
        with torch.no_grad():
            output = functional_call(model, wanted, (x,))
        torch.testing.assert_close(adapt(layers, x, y, pattern, 2, 0.01).model(x), output, rtol=1e-8, atol=1e-8)


@pytest.mark.slow
def test_a_whole_measurement_runs_from_sweep_to_choice(family, bank):
    model, stages = family
    layers = layers_of(model, stages)
    patterns = [LambdaPattern.parse(text, len(stages)) for text in ("0" * (len(stages) - 1) + "1", "1" * len(stages))]
    accuracy = sweep(layers, bank, range(4), patterns, 1, 0.001)
    costs = layer_products(layers, bank[0].support_x)
    timing = measure_times(layers, bank, patterns, 1, 0.001, costs, TimingConfig(repeats=2))
    choice = select_pattern(accuracy, timing, 1, 100.0)
    assert choice.pattern in ("0" * len(stages), *map(str, patterns))
    assert choice.verdicts["multiply_adds"].max() > 0


# --- what cannot be cut --------------------------------------------------------------------------------------------


class TwoPaths(nn.Module):
    """Its second stage also takes what went into the first."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return self.second(self.first(x)) + x


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return self.second(self.first(x)) if x.sum() > 0 else x


class Random(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return self.second(self.first(x)) * float(np.random.standard_normal())


@pytest.mark.parametrize(
    ("build", "stages", "complaint"),
    [
        (TwoPaths, ["first", "second"], "stage 'second' needs x of an earlier stage"),
        (Branching, ["first", "second"], r"torch\.fx cannot follow the model"),
        (TwoPaths, ["first", "third"], "the model has no module 'third'; its own are first, second"),
        (Random, ["second", "first"], "called in another order: first, second"),
        (Random, ["first", "second"], None),
    ],
)
def test_what_cannot_be_cut_is_said(build, stages, complaint):
    model, x = build(), torch.ones(2, 4)
    if complaint is None:  # followed once, its random number became a constant: only an example shows it
        complaint = "another output than the model"
    with pytest.raises(ModelError, match=complaint):
        layers_of(model, stages, x)
