"""Ready-made networks, each an `nn.Sequential` of named layers."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from typing import Any, cast

import torch
from torch import Tensor, nn

from lambda_core.backbones.backbone import Backbone
from lambda_core.backbones.blocks import ResidualBlock
from lambda_core.backbones.inspection import check_adaptable
from lambda_core.backbones.normalisations import takes_batch_statistics
from lambda_core.backbones.pretrained import PREFIXES, pretrained_network
from lambda_core.config import BACKBONES, MetaTrainConfig, is_own
from lambda_core.errors import ModelError
from lambda_core.kernels import NormPool
from lambda_core.system import first_line, own_function


def conv4(ways: int, filters: int = 32, channels: int = 3, size: int = 32) -> nn.Sequential:
    """4-CONV (Vinyals et al. 2016, as in MAML): four 3×3 convolution blocks and a linear head; 5 layers.

    Input (N, channels, size, size) float32, output (N, ways) logits. Normalisation is by batch statistics only.
    Two changes leave the function as it is and cost less: no convolution bias, which the normalisation would
    cancel, and pooling before ReLU, which commute.
    """
    if size < 16:
        raise ModelError(f"4-CONV halves its input four times and needs images of at least 16 pixels, not {size}")
    blocks = [(f"conv{i + 1}", _conv_block(channels if i == 0 else filters, filters)) for i in range(4)]
    features = filters * (size // 16) ** 2
    tail = [("flatten", nn.Flatten()), ("head", nn.Linear(features, ways))]
    return _channels_last(nn.Sequential(OrderedDict([*blocks, *tail])))


def resnet12(ways: int, filters: int = 64, channels: int = 3) -> nn.Sequential:
    """ResNet-12 as the few-shot field draws it (Oreshkin et al. 2018; widths of Lee et al. 2019); 5 layers.

    Four residual blocks of three 3×3 convolutions, widths filters × 1, 2.5, 5, 10, then the mean over places and a
    linear head. Input (N, channels, size, size) float32 with size ≥ 16, output (N, ways). Batch statistics only.
    """
    widths = [channels, filters, filters * 5 // 2, filters * 5, filters * 10]
    blocks = [(f"block{i + 1}", ResidualBlock(widths[i], widths[i + 1])) for i in range(4)]
    tail = [("pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()), ("head", nn.Linear(widths[-1], ways))]
    return _channels_last(nn.Sequential(OrderedDict([*blocks, *tail])))


def resnet_stages(resnet: nn.Module) -> nn.Sequential:
    """A torchvision ResNet (resnet18, …) as a Sequential of six layers: stem, layer1 … layer4, head.

    The modules are the ResNet's own, switched to batch statistics (as in MAML): running averages would make what one
    step computes depend on the steps before it.
    """
    r: Any = resnet
    stem = nn.Sequential(OrderedDict(conv=r.conv1, norm=r.bn1, relu=r.relu, pool=r.maxpool))
    stages = [(name, getattr(r, name)) for name in ("layer1", "layer2", "layer3", "layer4")]
    tail = [("pool", r.avgpool), ("flatten", nn.Flatten()), ("head", r.fc)]
    return _channels_last(with_batch_statistics(nn.Sequential(OrderedDict([("stem", stem), *stages, *tail]))))


def with_batch_statistics(model: nn.Sequential) -> nn.Sequential:
    """The same model, changed in place: its batch normalisations forget their running averages and keep none."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None
    return model


def mlp(inputs: int = 1, outputs: int = 1, hidden: int = 40) -> nn.Sequential:
    """The MAML paper's regressor: two hidden layers with ReLU, a linear head. (N, inputs) → (N, outputs); 3 layers."""
    return nn.Sequential(
        OrderedDict(
            hidden1=nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU()),
            hidden2=nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU()),
            head=nn.Linear(hidden, outputs),
        )
    )


def build_model(config: MetaTrainConfig, size: int, channels: int, outputs: int | None = None) -> nn.Sequential:
    """The untrained backbone of a study; the initial weights follow from config.seed.

    size, channels: of the images (N, channels, size, size); for the mlp, size is the number of inputs. outputs: of the
    head; None: config.ways. Raises ModelError for a network that is none of ours: `new_network` makes it.
    """
    outputs = config.ways if outputs is None else outputs
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        if config.backbone == "conv4":
            return conv4(outputs, config.filters, channels, size)
        if config.backbone == "resnet12":
            return resnet12(outputs, config.filters, channels)
        if config.backbone == "mlp":
            return mlp(size, outputs, config.filters)
    raise ModelError(f"{config.backbone!r} is no network that is built in; there are {', '.join(BACKBONES)}")


def new_network(config: MetaTrainConfig, size: int, channels: int, outputs: int | None = None) -> nn.Sequential:
    """`build_model`, torchvision's networks by name, and a network of the user's own: that imports their code, so only
    what was given config.backbone by the user may call it.

    The function is called with those of ways, size, channels and filters that it takes. Batch normalisations serve
    config.query_statistics: stored keeps their running statistics; else they are forgotten. Raises ModelError.
    """
    if not is_own(config.backbone):
        return build_model(config, size, channels, outputs)
    return with_statistics(own_network(config, size, channels, outputs), config.query_statistics)


def own_network(config: MetaTrainConfig, size: int, channels: int, outputs: int | None = None) -> nn.Sequential:
    """The same in evaluation mode, with the statistics that it holds."""
    if not is_own(config.backbone):
        return build_model(config, size, channels, outputs).eval()
    outputs = config.ways if outputs is None else outputs
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        if config.backbone.startswith(PREFIXES):
            return _channels_last(pretrained_network(config.backbone, outputs, channels)[0])
        given = {"ways": outputs, "size": size, "channels": channels, "filters": config.filters}
        model = _channels_last(_called(config.backbone, given).eval())
    if outputs > 1:  # a regression's inputs are no images
        _check_outputs(config.backbone, model, outputs, torch.zeros(2, channels, size, size))
    return model


def own_statistics(model: nn.Sequential) -> str:
    """The query statistics that serve a network as it is: stored where a batch normalisation holds running ones."""
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    return "stored" if any(norm.running_mean is not None for norm in norms) else "transductive"


def with_statistics(model: nn.Sequential, query_statistics: str) -> nn.Sequential:
    """The same model, changed in place, in evaluation mode: dropouts off, batch normalisations by running statistics
    (stored) or by none. Raises ModelError for stored ones where there are none.
    """
    model.eval()
    if query_statistics != "stored":
        return with_batch_statistics(model)
    if any(map(takes_batch_statistics, model.modules())):
        raise ModelError("the network's batch normalisations keep no running statistics, so none are stored")
    return model


def _called(reference: str, given: dict[str, int]) -> nn.Sequential:
    """What the user's function returns. Raises ModelError where that is no row of layers, or it fails."""
    function = own_function(reference)
    try:
        takes = inspect.signature(function).parameters
        model = function(**{name: value for name, value in given.items() if name in takes})
    except (Exception, SystemExit) as error:  # a user's function may raise anything
        raise ModelError(f"{reference} failed: {type(error).__name__}: {first_line(error)}") from error
    if not isinstance(model, nn.Module):
        raise ModelError(f"{reference} returned no module but {model!r:.80}; it must return an nn.Sequential of layers")
    check_adaptable(model.eval())
    return cast(nn.Sequential, model)


def _check_outputs(reference: str, model: nn.Sequential, outputs: int, images: Tensor) -> None:
    """Raises ModelError for a network that cannot take such images, gives other than `outputs` numbers for each, or
    holds nothing that could be adapted.
    """
    backbone = Backbone.of(model)
    if not any(layer.trainable for layer in backbone.layers):
        raise ModelError(f"no parameter of {reference} takes a gradient (requires_grad), so nothing can be adapted")
    for name, value in model.named_parameters():
        if not value.isfinite().all():
            raise ModelError(f"{reference}: {name} holds NaN or infinite weights")
    try:
        with torch.no_grad():
            found = backbone.forward(backbone.detached_weights(), backbone.prepare_input(images))
    except ModelError:
        raise
    except Exception as error:  # a user's module may raise anything
        wanted = "×".join(map(str, images.shape[1:]))
        raise ModelError(
            f"{reference} fails on images of {wanted}: {type(error).__name__}: {first_line(error)}"
        ) from error
    if found.shape != (len(images), outputs):
        shape = tuple(found.shape[1:])
        raise ModelError(f"{reference} gives {shape} for an image, but a head for {outputs} ways gives ({outputs},)")


def _conv_block(channels: int, filters: int) -> nn.Sequential:
    conv = nn.Conv2d(channels, filters, 3, padding=1, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, norm=NormPool(filters)))


def _channels_last(model: nn.Sequential) -> nn.Sequential:
    # Two to four times faster on a CPU than the default format for these small batches.
    return model.to(memory_format=torch.channels_last)
