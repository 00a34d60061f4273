"""Settings of a study: frozen dataclasses that the command line, `study.json` and the app's forms are made from."""

from __future__ import annotations

import math
import re
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, replace
from typing import Any, Self

from lambda_core.errors import ConfigError

_TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool}
LONGEST_WORD = 200  # characters of a setting that is no choice
_WORD = r"[A-Za-z_][A-Za-z0-9_]*"
OWN_BACKBONE = rf"{_WORD}(?:\.{_WORD})*:{_WORD}"  # package.module:function
QUERY_STATISTICS = ("transductive", "support", "stored")


@dataclass(frozen=True)
class BuiltIn:
    """A network of ours. title: in a sentence. even: every layer but the head has `filters` outputs."""

    title: str
    even: bool


# by name; what makes them: backbones/networks.py
BACKBONES = {
    "conv4": BuiltIn("4-CONV", even=True),
    "resnet12": BuiltIn("ResNet-12", even=False),
    "mlp": BuiltIn("MLP", even=True),
}


def backbone_title(backbone: str) -> str:
    """What a network is called in a sentence: `4-CONV`, or the last word of `torchvision:mobilenet_v2`."""
    return BACKBONES[backbone].title if backbone in BACKBONES else backbone.rpartition(":")[2]


def is_own(backbone: str) -> bool:
    """Whether a network is none of ours: `package.module:function`, torchvision:NAME among them."""
    return backbone not in BACKBONES


def setting(
    default: Any = MISSING,
    *,
    help: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    form: str = "",
    formerly: str = "",
) -> Any:
    """A dataclass field that knows its own help text and what values are right (`low` and `high` included).

    form: regular expression of the words that are right beside the choices. formerly: the name it had in schema 1,
    which is still read.
    """
    metadata = {"help": help, "low": low, "high": high, "choices": choices, "form": form, "formerly": formerly}
    return field(default=default, metadata=metadata)


def kind(item: Field[Any]) -> type:
    """The Python type of a setting: int, float, str or bool."""
    return _TYPES[str(item.type)]


class Settings:
    """Base of the config dataclasses: checked when made, read from and written to plain dictionaries."""

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            object.__setattr__(self, item.name, _checked(item, getattr(self, item.name)))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Raises ConfigError for an unknown, missing, mistyped or out-of-range key, and names it."""
        values = cls.with_present_names(values)
        known = {item.name: item for item in fields(cls)}  # type: ignore[arg-type]
        for name in values:
            if name not in known:
                raise ConfigError(f"no setting is named {name!r}; the settings are {', '.join(known)}")
        for name, item in known.items():
            if name not in values and item.default is MISSING:
                raise ConfigError(f"the setting {name!r} is missing")
        return cls(**values)

    @classmethod
    def with_present_names(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The same values, each setting under the name it has now."""
        present = {item.metadata["formerly"]: item.name for item in fields(cls)}  # type: ignore[arg-type]
        return {present.get(name, name) if name else name: value for name, value in values.items()}

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload,no-any-return]

    def but(self, **changes: Any) -> Self:
        """The same settings with some of them changed, checked again."""
        return replace(self, **changes)  # type: ignore[type-var]


@dataclass(frozen=True)
class MetaTrainConfig(Settings):
    """Everything that decides the result of meta-training, and how often it is saved."""

    dataset: str = setting(help="data set: glyphs, sinusoid, cifar-fs, fc100, omniglot or an imported one")
    ways: int = setting(5, help="classes an episode (outputs of the network; 1 for the sinusoid)", low=1, high=100)
    shots: int = setting(1, help="support images a class", low=1, high=100)
    queries: int = setting(15, help="query images a class", low=1, high=100)
    backbone: str = setting(
        "conv4",
        help=f"network: {', '.join(BACKBONES)}, or package.module:function of your own",
        choices=tuple(BACKBONES),
        form=OWN_BACKBONE,
    )
    filters: int = setting(32, help="channels of a convolution, or units of an MLP's hidden layer", low=1, high=1024)
    pattern: str = setting(
        "maml",
        help="Lambda pattern of the inner loop while training; several, joined by +, "
        "share the iterations equally (00001+11111: cheap first, full last)",
    )
    order: str = setting(
        "second",
        help="second: MAML; first: gradients of the adapted weights taken as they are",
        choices=("second", "first"),
    )
    steps: int = setting(5, help="inner steps while training; also the study's reference step count", low=1, high=50)
    lr: float = setting(0.05, help="inner step size", low=1e-6, high=100.0)
    meta_lr: float = setting(2e-3, help="outer step size (Adam), at its highest", low=1e-8, high=1.0)
    schedule: str = setting("cosine", help="outer step size over the iterations", choices=("cosine", "constant"))
    meta_batch: int = setting(4, formerly="tasks", help="episodes a meta-gradient", low=1, high=256)
    iterations: int = setting(6000, help="meta-gradient steps", low=1, high=10_000_000)
    max_grad_norm: float = setting(
        10.0, formerly="clip", help="largest norm of the meta-gradient; 0: no clipping", low=0.0, high=1e6
    )
    query_statistics: str = setting(
        "transductive", help="statistics that normalise the queries", choices=QUERY_STATISTICS
    )
    rotations: bool = setting(
        default=False, help="training classes rotated by 90, 180 and 270 degrees count as classes"
    )
    flips: bool = setting(default=False, help="training images are mirrored at random, support and query alike")
    max_shift: int = setting(
        0, formerly="shifts", help="training images are moved at random by up to so many pixels", low=0, high=64
    )
    pretrain_epochs: int = setting(
        0,
        formerly="pretrain",
        help="passes over the training classes as one ordinary classification, before meta-training",
        low=0,
        high=10_000,
    )
    seed: int = setting(0, help="of the initial weights and of every episode", low=0, high=2**31 - 1)
    validate_every: int = setting(250, help="iterations between validations", low=1, high=10_000_000)
    validation_episodes: int = setting(100, help="episodes a validation", low=2, high=100_000)

    @property
    def last_pattern(self) -> str:
        """The training pattern that the weights were finished with: the last of a schedule."""
        return self.pattern.split("+")[-1]


# What differs from the defaults where nothing else is asked for (after the MAML paper)
RECIPES: dict[str, dict[str, Any]] = {
    "sinusoid": {
        "backbone": "mlp", "filters": 40, "ways": 1, "shots": 10, "queries": 10, "steps": 1, "lr": 0.01,
        "meta_lr": 1e-3, "meta_batch": 25, "iterations": 15000,
    },
    "omniglot": {"rotations": True, "filters": 64, "lr": 0.4, "steps": 1, "meta_batch": 16, "meta_lr": 1e-3},
}  # fmt: skip


@dataclass(frozen=True)
class SweepConfig(Settings):
    """What a sweep measures: per-layer patterns at 0 … max_steps steps over one bank a split."""

    episodes: int = setting(600, help="episodes a split", low=2, high=1_000_000)
    queries: int = setting(15, help="query images a class", low=1, high=100)
    max_steps: int = setting(10, help="largest inner step count", low=1, high=100)
    seed: int = setting(1, help="of the banks", low=0, high=2**31 - 1)
    query_statistics: str = setting(
        "transductive", help="statistics that normalise the queries", choices=QUERY_STATISTICS
    )
    lr_scale: str = setting(
        "1", help="multiples of the study's inner step size to measure, such as 0.5,1,2,4 (1 is always among them)"
    )

    patterns: str = setting(
        "all",
        help="patterns to measure: all, finer (with scale and shift alone), tails (the last layers), "
        "or several joined by commas (00011,nnnn1,anil)",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "lr_scale", ",".join(f"{scale:g}" for scale in _scales(self.lr_scale)))

    @property
    def scales(self) -> tuple[float, ...]:
        """Multiples of the study's own inner step size, ascending, 1 among them."""
        return _scales(self.lr_scale)


@dataclass(frozen=True)
class TimingConfig(Settings):
    """How adaptation is timed: one episode at a time, patterns interleaved in random order, round after round."""

    repeats: int = setting(15, help="timed rounds", low=1, high=10_000)
    threads: int = setting(1, help="CPU threads", low=1, high=1024)
    device: str = setting("cpu", help="cpu or cuda", choices=("cpu", "cuda"))
    seed: int = setting(2, help="of the episodes and of the order", low=0, high=2**31 - 1)
    patterns: str = setting("", help="patterns to time, as in a sweep; those of the study's sweep where left out")


@dataclass(frozen=True)
class SearchConfig(Settings):
    """How hard a search for step × layer patterns looks, and on how many fresh episodes it is judged."""

    episodes: int = setting(60, help="validation episodes that the search looks at", low=8, high=100_000)
    fresh: int = setting(600, help="fresh episodes a split, for the verdicts", low=2, high=1_000_000)
    beam: int = setting(12, help="patterns that go on after each step", low=1, high=10_000)
    threshold: float = setting(1.0, help="allowed degradation, in percentage points", low=0.0, high=100.0)
    confidence: float = setting(0.95, help="of the verdicts, over all patterns judged together", low=0.5, high=1.0)
    seed: int = setting(3, help="of the search's bank; the fresh one's is the next", low=0, high=2**31 - 2)
    finer: bool = setting(default=False, help="look at steps that update scale and shift of a layer alone, too")
    layer_lr: str = setting(
        "", help="multiples of the step size to try in each layer of the patterns found, such as 0.25,0.5,2,4; none"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "layer_lr", ",".join(f"{factor:g}" for factor in self.layer_factors))

    @property
    def layer_factors(self) -> tuple[float, ...]:
        """Multiples of the study's own inner step size, ascending, beside 1."""
        return tuple(each for each in _scales(self.layer_lr, "layer_lr") if each != 1) if self.layer_lr else ()


def _scales(text: str, name: str = "lr_scale") -> tuple[float, ...]:
    """The numbers of `text`, separated by commas or spaces, to four figures: nearer ones would pass for the same."""
    try:
        scales = {float(f"{float(word):.4g}") for word in text.replace(",", " ").split()}
    except ValueError:
        raise ConfigError(f"{name} must be numbers such as 0.5,1,2,4, not {text!r}") from None
    if not all(1e-3 <= scale <= 1e3 for scale in scales) or not 1 <= len(scales) <= 20:
        raise ConfigError(f"{name} must be 1 to 20 numbers between 0.001 and 1000, not {text!r}")
    return tuple(sorted(scales | {1.0}))


def _is_of_form(value: Any, form: str) -> bool:
    return bool(form) and len(value) <= LONGEST_WORD and re.fullmatch(form, value) is not None


def _checked(item: Field[Any], value: Any) -> Any:
    wanted = kind(item)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not wanted:
        raise ConfigError(f"{item.name} must be of type {wanted.__name__}, not {value!r}")
    limits = item.metadata
    if limits["choices"] and value not in limits["choices"] and not _is_of_form(value, limits["form"]):
        also = ", or package.module:function" if limits["form"] else ""
        raise ConfigError(f"{item.name} must be one of {', '.join(limits['choices'])}{also}, not {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{item.name} must be a finite number, not {value!r}")
    low, high = limits["low"], limits["high"]
    if (low is not None and value < low) or (high is not None and value > high):
        raise ConfigError(f"{item.name} must lie between {low:g} and {high:g}, not {value!r}")
    return value
