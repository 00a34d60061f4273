"""Ordinary classification of all training classes at once, before meta-training.

A pass over the images teaches a body more than as many images in episodes do; MAML then starts from it with a head of
equal rows (Ye and Chao 2022, arXiv 2106.16245). SGD with momentum, weight decay and a step size that falls to zero.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lambda_core.backbones import new_network
from lambda_core.config import MetaTrainConfig
from lambda_core.episodes import EpisodeBank, Source
from lambda_core.errors import ConfigError
from lambda_core.system import Meter, Report
from lambda_core.training.checkpoint import resume_from, same_settings, with_prefix, write_state

BATCH = 64


LR, MOMENTUM, DECAY = 0.05, 0.9, 5e-4


DECIDING = ("dataset", "backbone", "filters", "rotations", "flips", "max_shift", "seed", "pretrain_epochs")


Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Pretrained:
    """The model's tensors by name, loss and accuracy (0 to 1) averaged over the last pass, and seconds of all."""

    weights: Tensors
    loss: float
    accuracy: float
    seconds: float


def pretrain(
    config: MetaTrainConfig,
    checkpoint: Path,
    source: Source,
    *,
    resume: bool = False,
    device: str = "cpu",
    report: Report | None = None,
) -> Pretrained:
    """Go config.pretrain_epochs times over the training images, saving to the folder `checkpoint` after each pass.

    resume: go on from what was saved, if anything was. Raises ConfigError for data without classes or a checkpoint of
    other settings, StudyError for a damaged one.
    """
    classifier = Classifier(config, source, device)
    path = checkpoint / "pretraining.safetensors"
    if resume:
        classifier.load(path)
    total = config.pretrain_epochs * classifier.batches
    meter = Meter("classifying", total, report, done=classifier.epochs * classifier.batches)
    while classifier.epochs < config.pretrain_epochs:
        classifier.run_epoch(meter)
        classifier.save(path)
    return Pretrained(classifier.model.state_dict(), classifier.loss, classifier.accuracy, classifier.seconds)


class Classifier:
    """The backbone with an output for each training class, and how far its training has come."""

    def __init__(self, config: MetaTrainConfig, source: Source, device: str = "cpu") -> None:
        bank = source.bank(config, "train")
        if not isinstance(bank, EpisodeBank):
            raise ConfigError(f"pretrain_epochs must be 0: {config.dataset} has no classes to tell apart")
        self.config, self.bank, self.device = config, bank, device
        images = sum(len(places) for _, places, _ in bank.classes)
        self.batch = min(BATCH, images)
        self.batches = images // self.batch
        self.model = new_network(config, *source.input, outputs=len(bank.classes)).to(device)
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=LR, momentum=MOMENTUM, weight_decay=DECAY, nesterov=True
        )
        self.epochs, self.loss, self.accuracy, self.seconds = 0, math.nan, math.nan, 0.0

    def run_epoch(self, meter: Meter) -> None:
        """One descent for each batch of the images."""
        start = time.perf_counter()
        total = torch.zeros(2)
        for index, (x, y) in enumerate(self.bank.batches(self.batch, self.epochs)):
            self._set_lr(self.epochs + index / self.batches)
            total += self._sgd_step(x.to(self.device), y.to(self.device))
            meter.advance(1, {"loss": float(total[0]) / (index + 1), "accuracy": float(total[1]) / (index + 1)})
        self.loss, self.accuracy = (total / self.batches).tolist()
        self.epochs += 1
        self.seconds += time.perf_counter() - start

    def _set_lr(self, epochs: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = 0.5 * LR * (1 + math.cos(math.pi * epochs / self.config.pretrain_epochs))

    def _sgd_step(self, x: Tensor, y: Tensor) -> Tensor:
        output = self.model(x)
        loss = F.cross_entropy(output, y)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        return torch.stack([loss.detach(), (output.detach().argmax(1) == y).float().mean()]).cpu()

    def save(self, path: Path) -> None:
        """Everything that a resumed run needs, in one file."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors[f"momentum.{index}"] = state["momentum_buffer"]
        progress = {"passes": self.epochs, "loss": self.loss, "accuracy": self.accuracy, "seconds": self.seconds}
        write_state(path, tensors, {"config": self._deciding(), **progress})

    def load(self, path: Path) -> None:
        """Go on from what `save` wrote, if it wrote anything."""
        resume_from(path, self._restore)

    def _restore(self, record: dict[str, Any], tensors: Tensors) -> None:
        same_settings(MetaTrainConfig.with_present_names(record["config"]), self._deciding())
        self.model.load_state_dict(with_prefix("model.", tensors))
        state = {int(index): {"momentum_buffer": tensor} for index, tensor in with_prefix("momentum.", tensors).items()}
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        self.epochs, self.seconds = record["passes"], record["seconds"]
        self.loss, self.accuracy = record["loss"], record["accuracy"]

    def _deciding(self) -> dict[str, Any]:
        return {name: value for name, value in self.config.to_dict().items() if name in DECIDING}
