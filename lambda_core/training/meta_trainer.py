"""The outer loop: MAML's meta-training, second or first order, under any pattern or schedule of patterns.

Every episode is a function of (seed, iteration), so a checkpoint holds weights, Adam's state and the iteration, and a
resumed run goes on bit for bit (on a CPU) as a run never stopped. Under torchrun the tasks of a meta-gradient are
shared between the processes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, distributed
from torch.nn import functional as F

from lambda_core.adaptation import Loss
from lambda_core.backbones import Backbone, build_model, start_from
from lambda_core.config import MetaTrainConfig
from lambda_core.episodes import Episode, Source
from lambda_core.patterns import LambdaPattern, Row
from lambda_core.system import Meter, Report
from lambda_core.training.checkpoint import resume_from, same_settings, with_prefix, write_state
from lambda_core.training.distributed import process
from lambda_core.training.objective import Objective
from lambda_core.training.pretraining import Pretrained, pretrain

ROW_EVERY = 10  # iterations averaged into one row of the training table


CHECKPOINT_EVERY = 50


BETAS = (0.9, 0.999)


def meta_train(
    config: MetaTrainConfig,
    checkpoint: Path,
    source: Source | None = None,
    *,
    resume: bool = False,
    stop_at: int | None = None,
    device: str = "cpu",
    report: Report | None = None,
) -> MetaTrainer:
    """Train to the end of config.iterations, saving to the folder `checkpoint`; returns the finished trainer.

    resume: go on from the checkpoint, if there is one. stop_at: stop after so many iterations, with the schedule that
    config.iterations sets, to be resumed another time. Raises StudyError for a checkpoint that is damaged or of other
    settings.
    """
    trainer = MetaTrainer(config, source or Source(config.dataset), device)
    if resume:
        trainer.load(checkpoint)
    if config.pretrain_epochs and not trainer.iteration:
        trainer.start_from(_pretrained(trainer, checkpoint, resume, report))
    end = min(config.iterations, stop_at or config.iterations)
    meter = Meter("meta-training", end, report, done=trainer.iteration)
    while trainer.iteration < end:
        trainer.iterate()
        meter.advance(1, trainer.latest)
        if trainer.iteration % CHECKPOINT_EVERY == 0 or trainer.iteration == end:
            trainer.save(checkpoint)
    return trainer


def _pretrained(trainer: MetaTrainer, checkpoint: Path, resume: bool, report: Report | None) -> Pretrained:
    """The first process classifies, and the others read what it found."""
    rank, world = process()
    if rank == 0:
        pretrain(trainer.config, checkpoint, trainer.source, resume=resume, device=trainer.device, report=report)
    if world > 1:
        distributed.barrier()
    return pretrain(trainer.config, checkpoint, trainer.source, resume=True, device=trainer.device)


@dataclass
class BestWeights:
    """The weights with the highest validation score so far (accuracy, or minus the loss of a regression)."""

    score: float = -math.inf
    iteration: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)


class MetaTrainer:
    """Model, optimiser and records of one meta-training; `iterate` takes one meta-gradient step."""

    def __init__(self, config: MetaTrainConfig, source: Source, device: str = "cpu") -> None:
        self.config, self.source, self.device = config, source, device
        self.size, self.channels = source.input
        self.model = build_model(config, self.size, self.channels).to(device)
        self.backbone = Backbone.of(self.model)
        loss: Loss = F.mse_loss if source.images is None else F.cross_entropy
        self.objective = Objective(self.backbone, config.lr, loss, config.query_statistics)
        self.schedule = pattern_schedule(config, len(self.backbone.layers))
        self.train_bank, self.val_bank = source.bank(config, "train"), source.bank(config, "val")
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=config.meta_lr, betas=BETAS)
        self.iteration, self.seconds, self.best = 0, 0.0, BestWeights()
        self.pretraining: dict[str, float] = {}
        self.rows: list[dict[str, float]] = []
        self._window: list[tuple[float, float]] = []

    def start_from(self, found: Pretrained) -> None:
        """Begin with weights that a classification found; its time counts."""
        start_from(self.model, found.weights)
        self.seconds += found.seconds
        self.pretraining = {"seconds": found.seconds, "loss": found.loss, "accuracy": found.accuracy}

    @property
    def latest(self) -> dict[str, float]:
        """The newest loss, accuracy and validation accuracy, for a progress line."""
        values = {"loss": self._window[-1][0] if self._window else self.rows[-1]["loss"]} if self.rows else {}
        validated = [row["val_accuracy"] for row in self.rows if not math.isnan(row["val_accuracy"])]
        return values | ({"val_accuracy": validated[-1], "best": self.best.score} if validated else {})

    @property
    def training(self) -> pd.DataFrame:
        """iteration, loss, accuracy (means over ten iterations), val_accuracy (NaN between validations), seconds."""
        columns = ["iteration", "loss", "accuracy", "val_accuracy", "seconds"]
        return pd.DataFrame(self.rows, columns=columns).astype({"iteration": "int32"})

    def iterate(self) -> None:
        """One meta-gradient step over config.meta_batch episodes, and what is due after it."""
        start = time.perf_counter()
        loss, accuracy = self._meta_gradient()
        for group in self.optimizer.param_groups:
            group["lr"] = self._meta_lr()
        if self.config.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.max_grad_norm)
        self.optimizer.step()
        self.iteration += 1
        self._window.append((loss, accuracy))
        score = self._validation_if_due()
        self.seconds += time.perf_counter() - start
        if len(self._window) == ROW_EVERY or not math.isnan(score) or self.iteration == self.config.iterations:
            self._record(score)

    def _meta_gradient(self) -> tuple[float, float]:
        config, rank, world = self.config, *process()
        self.optimizer.zero_grad(set_to_none=False)
        totals = torch.zeros(2, device=self.device)
        rows = self._rows_now()
        for task in range(rank, config.meta_batch, world):
            episode = self.train_bank[self.iteration * config.meta_batch + task]
            totals += self._task_gradient(episode.to(self.device), rows) / config.meta_batch
        if world > 1:
            for tensor in [totals, *(p.grad for p in self.model.parameters() if p.grad is not None)]:
                distributed.all_reduce(tensor)
        return float(totals[0]), float(totals[1])

    def _task_gradient(self, episode: Episode, rows: Sequence[Row]) -> Tensor:
        weights = self.backbone.weights()
        config = self.config
        if config.order == "second":
            loss, accuracy = self.objective.loss_after_adaptation(weights, episode, rows)
            torch.autograd.backward(loss / config.meta_batch)
            return torch.stack([loss.detach(), accuracy])
        adapted = self.objective.adapted(weights, episode, rows)
        leaves = [{name: value.requires_grad_() for name, value in own.items()} for own in adapted]
        loss, accuracy = self.objective.score(leaves, episode)
        torch.autograd.backward(loss / config.meta_batch)
        for own, leaf in zip(weights, leaves, strict=True):
            for name, parameter in own.items():
                gradient = leaf[name].grad
                assert gradient is not None
                parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        return torch.stack([loss.detach(), accuracy])

    def _rows_now(self) -> list[Row]:
        stage = self.iteration * len(self.schedule) // self.config.iterations
        return self.schedule[stage].rows_for(self.config.steps)

    def _meta_lr(self) -> float:
        if self.config.schedule == "constant":
            return self.config.meta_lr
        return 0.5 * self.config.meta_lr * (1 + math.cos(math.pi * self.iteration / self.config.iterations))

    def _validation_if_due(self) -> float:
        if self.iteration % self.config.validate_every and self.iteration != self.config.iterations:
            return math.nan
        value = self.validate()
        if value > self.best.score:
            weights = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
            self.best = BestWeights(value, self.iteration, weights)
        return value

    def validate(self) -> float:
        """Mean query accuracy of the validation episodes under the last pattern; of a regression, minus the loss."""
        rows = self.schedule[-1].rows_for(self.config.steps)
        scores = []
        for index in range(self.config.validation_episodes):
            episode = self.val_bank[index].to(self.device)
            weights = self.objective.adapted(self.backbone.weights(), episode, rows)
            with torch.no_grad():
                loss, accuracy = self.objective.score(weights, episode)
            scores.append(float(-loss if self.source.images is None else accuracy))
        return sum(scores) / len(scores)

    def _record(self, score: float) -> None:
        loss, accuracy = (sum(values) / len(self._window) for values in zip(*self._window, strict=True))
        self._window.clear()
        self.rows.append(
            {"iteration": self.iteration, "loss": loss, "accuracy": accuracy, "val_accuracy": score,
             "seconds": self.seconds}
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        """Write everything that a resumed run needs, in one file: it is there whole or not at all."""
        if process()[0] != 0:
            return
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.weights.items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": tensor for name, tensor in state.items()}
        record = {
            "config": self.config.to_dict(), "iteration": self.iteration, "seconds": self.seconds, "rows": self.rows,
            "window": self._window, "best": [self.best.score, self.best.iteration],
            "pretraining": self.pretraining,
        }  # fmt: skip
        write_state(folder / "state.safetensors", tensors, record)

    def load(self, folder: Path) -> None:
        """Go on from a checkpoint; without one, start from the beginning."""
        resume_from(folder / "state.safetensors", self._restore)

    def _restore(self, record: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        same_settings(MetaTrainConfig.with_present_names(record["config"]), self.config.to_dict())
        self.model.load_state_dict(with_prefix("model.", tensors))
        groups = self.optimizer.state_dict()["param_groups"]
        indices = range(len(list(self.model.parameters())))
        state = {index: with_prefix(f"adam.{index}.", tensors) for index in indices}
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        self.iteration, self.seconds, self.rows = record["iteration"], record["seconds"], record["rows"]
        self.pretraining = record["pretraining"]
        self._window = [(loss, accuracy) for loss, accuracy in record["window"]]
        score, iteration = record["best"]
        self.best = BestWeights(score, iteration, with_prefix("best.", tensors))


def pattern_schedule(config: MetaTrainConfig, layers: int) -> list[LambdaPattern]:
    """The patterns of config.pattern, which share the iterations equally, in order."""
    return [LambdaPattern.parse(text, layers) for text in config.pattern.split("+")]
