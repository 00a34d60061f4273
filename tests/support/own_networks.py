"""Networks as users write them, in modules of their own."""

from __future__ import annotations

from pathlib import Path

SOURCE = """
from collections import OrderedDict
from pathlib import Path

from torch import nn

(Path(__file__).parent / "imported").touch()


class Halved(nn.Module):
    def forward(self, x):
        return x / 2


def small(ways, channels):
    return nn.Sequential(OrderedDict(
        one=nn.Sequential(nn.Conv2d(channels, 4, 3, 2), nn.BatchNorm2d(4), nn.ReLU()),
        pool=nn.AdaptiveAvgPool2d(2), flatten=nn.Flatten(), head=nn.Linear(16, ways)))


def with_code(ways, channels):
    model = small(ways, channels)
    model.one.add_module("halved", Halved())
    return model


def deep(ways, channels):
    blocks = [(f"block{i}", nn.Sequential(nn.Conv2d(channels if i == 0 else 2, 2, 1), nn.ReLU())) for i in range(13)]
    tail = [("pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()), ("head", nn.Linear(2, ways))]
    return nn.Sequential(OrderedDict([*blocks, *tail]))


def no_module(size):
    return size


def no_row(ways):
    return nn.Linear(3, ways)


def broken():
    raise KeyError("weights")


def leaves(ways):
    raise SystemExit(3)


def seven(channels):
    return small(7, channels)


def pictures(ways, channels):
    return nn.Sequential(OrderedDict(one=nn.Conv2d(channels, 4, 3), head=nn.Conv2d(4, ways, 1)))


def other_size(ways, channels):
    return nn.Sequential(OrderedDict(one=nn.Conv2d(channels, 4, 3), flatten=nn.Flatten(), head=nn.Linear(7, ways)))


def halved(ways, channels):
    return small(ways, channels).half()


def frozen(ways, channels):
    return small(ways, channels).requires_grad_(False)


def unfinished(ways, channels):
    model = small(ways, channels)
    model.head.weight.data.fill_(float("nan"))
    return model


def bare(ways, channels):
    model = small(ways, channels)
    model.one[0] = nn.Conv2d(channels, 4, 3, 2, bias=False)
    model.one[1] = nn.Identity()
    return model
"""


def write_networks(folder: Path, name: str) -> Path:
    """A module of this name; `was_imported` says whether anybody ran it."""
    (folder / f"{name}.py").write_text(SOURCE)
    return folder


def was_imported(folder: Path) -> bool:
    return (folder / "imported").exists()
