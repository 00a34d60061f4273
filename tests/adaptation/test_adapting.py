"""`adapt` for every model that people hand in: as defined, or refused in words; the caller's model stays as it was."""

from __future__ import annotations

import copy
import io
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from onnx.reference import ReferenceEvaluator
from safetensors.torch import load_file, save_model
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune

from lambda_core.adaptation.adapting import adapt
from lambda_core.adaptation.batched import adapt_many
from lambda_core.adaptation.pool import AdaptationPool
from lambda_core.adaptation.reference import adapt_by_definition
from lambda_core.backbones import Backbone, conv4, resnet12
from lambda_core.errors import ModelError, PatternError
from lambda_core.patterns import LambdaPattern
from tests.support.random_models import Counter, FunctionalDropout, HalfUsed, InPlace, OwnNames, Residual

X = torch.randn(6, 2, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
Y = torch.arange(6) % 3


def images(*first: nn.Module, channels: int = 4, size: int = 8) -> nn.Sequential:
    """The modules given, a flattening and a linear head for 3 classes."""
    torch.manual_seed(1)
    head = nn.Linear(channels * size * size, 3)
    return nn.Sequential(*first, nn.Flatten(), head).double()


def conv(inputs: int = 2, outputs: int = 4, **options) -> nn.Conv2d:
    torch.manual_seed(inputs)
    return nn.Conv2d(inputs, outputs, 3, padding=1, **options)


def assert_as_defined(model: nn.Module, text: str, x=X, y=Y, loss=F.cross_entropy, lr=0.05, layers=()) -> None:
    """Whole model, three steps: weights, output and the model itself."""
    pattern = LambdaPattern.parse(text, len(text.split("/", maxsplit=1)[0]))
    before = copy.deepcopy(model.state_dict())
    adapted = adapt(model, x, y, pattern, 3, lr, loss)
    names = layers or adapted.backbone.names
    wanted = adapt_by_definition(copy.deepcopy(model), x, y, pattern, 3, lr, loss, layers=names)
    for layer, own in zip(names, adapted.weights, strict=True):
        for name, value in own.items():
            torch.testing.assert_close(value, wanted[f"{layer}.{name}"], rtol=1e-8, atol=1e-10)
    output = functional_call(copy.deepcopy(model), wanted, (x.clone(),))
    torch.testing.assert_close(adapted.model(x.clone()), output, rtol=1e-8, atol=1e-10)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def hooked(
    module: nn.Module, register: str = "register_forward_hook", hook=lambda _, __, output: output * 2
) -> nn.Module:
    getattr(module, register)(hook)
    return module


def with_own_forward(module: nn.Module) -> nn.Module:
    module.forward = lambda x: F.conv2d(x, module.weight * 2, module.bias, padding=1)
    return module


def frozen(module: nn.Module, *names: str) -> nn.Module:
    for name in names:
        module.get_parameter(name).requires_grad_(requires_grad=False)
    return module


def halved(_: nn.Module, to_input: tuple, __: tuple) -> tuple:
    return tuple(g if g is None else g / 2 for g in to_input)


def transformer(dropout: float) -> nn.Sequential:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=dropout, batch_first=True)
    return nn.Sequential(nn.Flatten(2), nn.Linear(64, 8), layer, nn.Flatten(), nn.Linear(16, 3)).double()


def lstm() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(2), nn.LSTM(64, 8), nn.Linear(8, 3)).double()


def shared() -> nn.Sequential:
    return nn.Sequential(*[conv(2, 2)] * 2, nn.Flatten(), nn.Linear(128, 3))


ACTIVATION = nn.Tanh()
PRE_HOOK, BACKWARD_HOOK = "register_forward_pre_hook", "register_full_backward_hook"
MODELS = {
    "an activation used twice": (images(conv(), ACTIVATION, conv(4), ACTIVATION), "011/111"),
    "one used twice inside": (images(nn.Sequential(conv(), ACTIVATION, conv(4), ACTIVATION), ACTIVATION), "11"),
    "a Sequential with a forward of its own inside": (images(conv(), Residual(conv(4), nn.GroupNorm(2, 4))), "011/111"),
    "in place first in a layer": (images(conv(), nn.Sequential(nn.LeakyReLU(0.2, inplace=True), conv(4))), "011"),
    "in place before the first layer": (images(nn.ReLU(inplace=True), conv()), "11/01"),
    "in place without saying so": (images(InPlace(), conv(), nn.Sequential(InPlace(), conv(4))), "011/111"),
    "a forward hook": (images(hooked(conv()), nn.ReLU()), "11/01"),
    "a pre-forward hook": (images(conv(), hooked(conv(4), PRE_HOOK, lambda _, x: (x[0] * 2,))), "011"),
    "a backward hook": (images(conv(), hooked(nn.Sequential(nn.Tanh(), conv(4)), BACKWARD_HOOK, halved)), "111"),
    "a hook on a row inside": (images(hooked(nn.Sequential(conv(), nn.ReLU()))), "11"),
    "a forward of an instance": (images(with_own_forward(conv()), nn.ReLU()), "11/01"),
    "frozen parameters": (frozen(images(conv(), nn.ReLU(), conv(4)), "0.bias", "2.weight"), "111/011"),
    "a frozen layer": (frozen(images(conv(), nn.ReLU(), conv(4)), "0.weight", "0.bias"), "111/100"),
    "a frozen head": (frozen(images(conv()), "2.bias"), "01"),
    "unused parameters": (images(conv(), HalfUsed(4)), "111"),
    "weight normalisation": (images(parametrizations.weight_norm(conv())), "11"),
    "spectral normalisation, evaluated": (images(parametrizations.spectral_norm(conv())).eval(), "11"),
    "names of its own in the state": (images(conv(), OwnNames(4)), "010/111"),
    "running statistics, evaluated": (images(conv(), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5)).eval(), "111/011"),
    "transformer layers": (transformer(0.0), "011/001"),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_a_model_is_adapted_as_defined(name):
    model, text = MODELS[name]
    assert_as_defined(model, text)


def test_layers_with_a_forward_of_their_own_are_not_taken_apart():
    whole, apart = Residual(conv(2, 2), nn.GroupNorm(1, 2)), nn.Sequential(conv(), nn.GroupNorm(1, 4))
    model = nn.Sequential(OrderedDict(a=whole, b=apart, c=nn.Flatten(), d=nn.Linear(256, 3))).double()
    assert Backbone.of(model, split=True).names == ("a", "b.0", "b.1", "d")
    assert_as_defined(model, "0101")


class Scaled(nn.Sequential):
    def forward(self, x):
        return super().forward(x / 10)


class Pair(nn.Module):
    def forward(self, x):
        return x, x


class NumpyNoise(nn.Module):
    def forward(self, x):
        import numpy as np

        return x + float(np.random.standard_normal())


def pruned() -> nn.Module:
    module = conv()
    prune.l1_unstructured(module, "weight", 0.3)
    return module


def weight_hooked() -> nn.Sequential:
    model = images(conv())
    model[0].weight.register_hook(lambda g: g * 2)
    return model


REFUSED = {
    "a forward of its own": (lambda: Scaled(conv(), nn.Flatten(), nn.Linear(256, 3)).double(), "a Scaled, does more"),
    "hooks on the model": (lambda: hooked(images(conv())), "does more when it is called"),
    "no Sequential": (lambda: nn.Linear(3, 3), "layers_of"),
    "a tuple": (lambda: images(conv(), Pair()), "layer 0 returns a tuple"),
    "an LSTM": (lstm, "layer 1 returns a tuple"),
    "functional dropout": (lambda: images(conv(), FunctionalDropout()), "layer 0 draws random numbers"),
    "RReLU": (lambda: images(conv(), nn.RReLU()), "layer 0 draws random numbers"),
    "attention dropout": (lambda: transformer(0.1), "2.self_attn|2.dropout|draws random numbers"),
    "randomness before the first layer": (lambda: images(FunctionalDropout(), conv()), "before the first layer draws"),
    "numpy's randomness": (lambda: images(conv(), NumpyNoise()), "layer 0 draws random numbers"),
    "a state in Python": (lambda: images(conv(), Counter()), "layer 0 gives another output at each call"),
    "spectral normalisation in training": (lambda: images(parametrizations.spectral_norm(conv())), "its own buffers"),
    "pruned weights": (lambda: images(pruned()), "cannot be copied .*prune.remove"),
    "a gradient hook": (weight_hooked, "0.weight has a gradient hook"),
    "lazy layers": (lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(3)), "has no shape yet"),
    "parameters used twice": (shared, "shares its parameters"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_what_cannot_be_adapted_exactly_is_refused_with_what_was_found_and_where(name):
    build, complaint = REFUSED[name]
    model = build()
    layers = sum(1 for child in model.children() if next(child.parameters(), None) is not None) or 1
    with pytest.raises(ModelError, match=complaint) as refusal:
        adapt(model, X, Y, LambdaPattern.full(layers), 2, 0.1)
    assert "\n" not in str(refusal.value)


# --- labels, shapes and types --------------------------------------------------------------------------------------

LABELS = {
    "int32": Y.int(),
    "uint8": Y.to(torch.uint8),
    "ignored": torch.tensor([0, 1, -100, 2, -100, 1]),
    "shares": torch.softmax(torch.randn(6, 3, dtype=torch.float64), 1),
}
LOSSES = {
    "plain": F.cross_entropy,
    "weighted": nn.CrossEntropyLoss(weight=torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)),
    "smoothed": nn.CrossEntropyLoss(label_smoothing=0.1),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("text", ["11", "01", "11/01"])
@pytest.mark.parametrize("route", ["written out", "autograd"])
def test_labels_and_losses_are_the_same_on_every_route(loss, labels, text, route):
    model = images(conv(), nn.ReLU() if route == "written out" else nn.GELU())
    y, how = LABELS[labels], LOSSES[loss]
    defined = y if y.is_floating_point() else y.long()
    pattern = LambdaPattern.parse(text, 2)
    adapted = adapt(model, X, y, pattern, 3, 0.05, how)
    wanted = adapt_by_definition(model, X, defined, pattern, 3, 0.05, how)
    batched = adapt_many(model, X[None], defined[None], pattern, 3, 0.05, how)
    for layer, name in ((0, "0"), (1, "3")):
        for key, value in adapted.weights[layer].items():
            torch.testing.assert_close(value, wanted[f"{name}.{key}"], rtol=1e-9, atol=1e-11)
            torch.testing.assert_close(batched[layer][key][0], wanted[f"{name}.{key}"], rtol=1e-9, atol=1e-11)


def test_a_label_of_no_class_is_the_plain_losss_own_error():
    for text in ("11", "01"):
        with pytest.raises(IndexError, match="Target 7 is out of bounds"):
            adapt(images(conv()), X, torch.tensor([0, 1, 2, 7, 0, 1]), LambdaPattern.parse(text, 2), 2, 0.1)


def test_linear_layers_on_sequences():
    model = nn.Sequential(nn.Linear(8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(80, 3)).double()
    assert_as_defined(model, "11/01", x=X.flatten(1, 2))


def test_double_as_the_default_type():
    torch.set_default_dtype(torch.float64)
    try:
        assert_as_defined(conv4(3, 4, 2, 16), "11111/00011", x=torch.randn(6, 2, 16, 16))
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("text", ["11111", "00001"])
def test_under_autocast_the_model_is_called_as_it_is(text):
    torch.manual_seed(0)
    model, x = conv4(3, 4, 2, 16), torch.randn(6, 2, 16, 16)
    pattern = LambdaPattern.parse(text, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        adapted = adapt(model, x, Y, pattern, 2, 0.05)
        wanted = adapt_by_definition(model, x, Y, pattern, 2, 0.05)
    for layer, own in zip(adapted.backbone.names, adapted.weights, strict=True):
        for name, value in own.items():
            assert value.dtype == torch.float32
            torch.testing.assert_close(value, wanted[f"{layer}.{name}"], rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("build", [lambda: conv4(3, 4, 2, 16), lambda: resnet12(3, 4, 2)], ids=["conv4", "resnet12"])
@pytest.mark.parametrize("text", ["11111", "00001"])
def test_ordinary_tensors_come_out_of_inference_mode(build, text):
    with torch.inference_mode():
        adapted = adapt(build(), torch.randn(6, 2, 16, 16), Y, LambdaPattern.parse(text, 5), 2, 0.05)
    for own in adapted.weights:
        for value in own.values():
            value.detach().requires_grad_()
            assert not value.is_inference()
    F.cross_entropy(adapted.model(torch.randn(6, 2, 16, 16)), Y).backward()


def test_a_change_of_the_model_after_the_view_was_made_is_seen():
    model = images(conv(), nn.Dropout(0.5)).eval()
    model.insert(1, nn.BatchNorm2d(4).double().eval())
    backbone = Backbone.of(model)
    with torch.no_grad():
        model[1].running_mean.add_(0.3)
    adapted = adapt(backbone, X, Y, LambdaPattern.full(3), 2, 0.05)
    wanted = adapt_by_definition(model, X, Y, LambdaPattern.full(3), 2, 0.05)
    torch.testing.assert_close(adapted.weights[0]["weight"], wanted["0.weight"])
    model.train()
    with pytest.raises(ModelError, match=r"training mode|running statistics"):
        adapt(backbone, X, Y, LambdaPattern.full(3), 2, 0.05)


# --- threads, step sizes, loops of one's own, export ---------------------------------------------------------------


@pytest.mark.parametrize("kept", [False, True], ids=["model", "view"])
def test_threads_adapt_one_model_as_one_thread_does(kept):
    model = images(conv(), nn.GroupNorm(2, 4), nn.GELU(), Residual(conv(4)))
    before = copy.deepcopy(model.state_dict())
    given = Backbone.of(model) if kept else model
    jobs = [(torch.randn_like(X), LambdaPattern.parse(text, 4)) for text in ("1111", "0001", "0110", "1000") * 6]

    def work(job):
        return adapt(given, job[0], Y, job[1], 3, 0.05).weights

    alone = [work(job) for job in jobs]
    with ThreadPoolExecutor(6) as threads:
        together = list(threads.map(work, jobs))
    for one, other in zip(alone, together, strict=True):
        for ours, theirs in zip(one, other, strict=True):
            assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("text", ["111", "001", "110/001"])
@pytest.mark.parametrize("between", [nn.ReLU(), nn.GELU()], ids=["written out", "autograd"])
def test_a_step_size_for_each_layer(text, between):
    model, sizes, pattern = images(conv(), between, conv(4), between), (0.02, 0.1, 0.3), LambdaPattern.parse(text, 3)
    adapted = adapt(model, X, Y, pattern, 3, sizes)
    weights = dict(model.named_parameters())
    for row in pattern.matrix(3):
        gradients = torch.autograd.grad(F.cross_entropy(functional_call(model, weights, (X,)), Y), [*weights.values()])
        for (name, value), gradient in zip(list(weights.items()), gradients, strict=True):
            layer = ("0", "2", "5").index(name.split(".")[0])
            weights[name] = value - sizes[layer] * float(row[layer]) * gradient
    for layer, own in zip(("0", "2", "5"), adapted.weights, strict=True):
        for name, value in own.items():
            torch.testing.assert_close(value, weights[f"{layer}.{name}"], rtol=1e-8, atol=1e-10)
    with pytest.raises(ModelError, match="2 step sizes for the 3 layers 0, 2, 5"):
        adapt(model, X, Y, pattern, 3, (0.1, 0.1))


def test_a_meta_learning_loop_of_ones_own():
    model, pattern = images(conv(), nn.GELU(), frozen(conv(4), "bias")), LambdaPattern.parse("011", 3)
    query = torch.randn_like(X)
    F.cross_entropy(adapt(model, X, Y, pattern, 2, 0.1, create_graph=True)(query), Y).backward()
    found = {name: parameter.grad for name, parameter in model.named_parameters()}
    weights = adapt_by_definition(model, X, Y, pattern, 2, 0.1, create_graph=True)
    model.zero_grad()
    F.cross_entropy(functional_call(model, weights, (query,)), Y).backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            torch.testing.assert_close(found[name], parameter.grad, rtol=1e-8, atol=1e-10)
    assert found["2.bias"] is None


@pytest.mark.slow
def test_an_adapted_model_is_an_ordinary_module(tmp_path):
    x = torch.randn(6, 3, 32, 32)
    model = adapt(conv4(5), x, torch.arange(6) % 5, LambdaPattern.parse("00011", 5), 2, 0.05).model
    wanted = model(x).detach()
    again = conv4(5)
    save_model(model, tmp_path / "adapted.safetensors")
    again.load_state_dict(load_file(tmp_path / "adapted.safetensors"))
    torch.testing.assert_close(again(x), wanted)
    torch.testing.assert_close(copy.deepcopy(model)(x), wanted)
    exported = torch.export.export(model, (x,)).module()
    torch.testing.assert_close(exported(x), wanted, rtol=1e-4, atol=1e-5)
    program = torch.onnx.export(copy.deepcopy(model).eval(), (x,), dynamo=True, verbose=False).model_proto
    (from_onnx,) = ReferenceEvaluator(program).run(None, {program.graph.input[0].name: x.numpy()})
    torch.testing.assert_close(torch.from_numpy(from_onnx), wanted, rtol=1e-4, atol=1e-5)
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    first = F.cross_entropy(model(x), torch.arange(6) % 5)
    first.backward()
    optimizer.step()
    assert F.cross_entropy(model(x), torch.arange(6) % 5) < first


def test_a_pool_refuses_what_adapt_refuses():
    with pytest.raises(ModelError, match="dropout"):
        AdaptationPool(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Linear(2, 2)))


def test_a_pattern_as_text_is_refused_in_words():
    with pytest.raises(PatternError, match=r"LambdaPattern.parse"):
        adapt(conv4(5), torch.randn(5, 3, 32, 32), torch.arange(5), "00011", 1, 0.05)
