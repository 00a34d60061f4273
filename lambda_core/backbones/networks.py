"""Ready-made networks, each an `nn.Sequential` of named layers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.config import MetaTrainConfig
from lambda_core.errors import ModelError
from lambda_core.kernels import NormPool


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


class ResidualBlock(nn.Module):
    """Three 3×3 convolutions beside a 1×1 one, added, LeakyReLU, 2×2 max-pooling; (N, C, H, W) → (N, F, H/2, W/2)."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for i in range(3):
            parts += [nn.Conv2d(channels if i == 0 else filters, filters, 3, padding=1, bias=False), _norm(filters)]
            parts += [nn.LeakyReLU(0.1)] if i < 2 else []
        self.body = nn.Sequential(*parts)
        self.shortcut = nn.Sequential(nn.Conv2d(channels, filters, 1, bias=False), _norm(filters))

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.leaky_relu(self.body(x) + self.shortcut(x), 0.1), 2)


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
    head; None: config.ways.
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
    raise ModelError(f"no backbone is named {config.backbone!r}; there are conv4, resnet12 and mlp")


def start_from(model: nn.Sequential, weights: Mapping[str, Tensor]) -> None:
    """Copy `weights`, those of the same backbone with any head, into `model`, in place.

    Every row of the head becomes the mean of theirs, so that no class starts with anything of its own (Ye and Chao
    2022, arXiv 2106.16245). Raises ModelError naming the first tensor that is missing or of another shape.
    """
    head = f"{list(dict(model.named_children()))[-1]}."
    with torch.no_grad():
        for name, own in model.state_dict().items():
            if name not in weights:
                raise ModelError(f"the weights to start from lack {name}: they are those of another backbone")
            value = weights[name]
            if name.startswith(head):
                value = value.mean(0, keepdim=True).expand(len(own), *value.shape[1:])
            if value.shape != own.shape:
                raise ModelError(
                    f"the weights to start from have {name} as {tuple(value.shape)}, not {tuple(own.shape)}"
                )
            own.copy_(value)


def _conv_block(channels: int, filters: int) -> nn.Sequential:
    conv = nn.Conv2d(channels, filters, 3, padding=1, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, norm=NormPool(filters)))


def _channels_last(model: nn.Sequential) -> nn.Sequential:
    # Two to four times faster on a CPU than the default format for these small batches.
    return model.to(memory_format=torch.channels_last)


def _norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, track_running_stats=False)
