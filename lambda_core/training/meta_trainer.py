"""The outer loop: MAML's meta-training, second or first order, under any pattern or schedule of patterns.

Every episode is a function of (seed, iteration), so a checkpoint holds weights, Adam's state and the iteration, and a
resumed run goes on bit for bit (on a CPU) as a run never stopped. Under torchrun the tasks of a meta-gradient are
shared between the processes.
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.adaptation import Loss
from lambda_core.backbones import Backbone, fill_but_head, new_network
from lambda_core.config import MetaTrainConfig
from lambda_core.episodes import Source
from lambda_core.system import Meter, Report, check_device, finishing
from lambda_core.training.checkpoint import damage_named, read_state, same_settings, with_prefix, write_state
from lambda_core.training.distributed import digest_of, from_first, process, refuse_disagreement
from lambda_core.training.fitting import AS_IT_COMES, fitted
from lambda_core.training.meta_gradient import add_meta_gradient
from lambda_core.training.objective import Objective
from lambda_core.training.pretraining import Pretrained, pretrain
from lambda_core.training.schedule import TrainingSchedule
from lambda_core.training.training_log import TrainingLog
from lambda_core.training.validation import BestWeights, Validation

CHECKPOINT_EVERY = 50
BETAS = (0.9, 0.999)


def meta_train(
    config: MetaTrainConfig,
    checkpoint: Path,
    source: Source | None = None,
    *,
    model: nn.Sequential | None = None,
    resume: bool = False,
    stop_at: int | None = None,
    device: str = "cpu",
    memory_limit: int | None = None,
    report: Report | None = None,
) -> MetaTrainer:
    """Train to the end of config.iterations, saving to the folder `checkpoint`; returns the finished trainer.

    model: a network of your own, trained in place; None: the one that config names, with new weights. resume: go on
    from the checkpoint, if there is one. stop_at: stop after so many iterations, with the schedule that
    config.iterations sets, to be resumed another time. memory_limit: bytes that a meta-gradient may hold at once (None:
    whatever it takes). Raises StudyError for a checkpoint that is damaged or of other settings, ModelError for a model
    that cannot be adapted exactly, ConfigError where a meta-gradient cannot be taken within the limit.
    """
    trainer = MetaTrainer(config, source or Source(config.dataset), device, model)
    if memory_limit is not None:
        trainer.fit(memory_limit)
    if resume:
        trainer.load(checkpoint)
    if config.pretrain_epochs and not trainer.iteration:
        trainer.start_from(_pretrained(trainer, checkpoint, report, resume=resume))
    trainer.refuse_disagreement()
    end = min(config.iterations, stop_at or config.iterations)
    meter = Meter("meta-training", end, report, done=trainer.iteration)
    with finishing(lambda: trainer.save(checkpoint)) as stop_if_asked:
        while trainer.iteration < end:
            trainer.iterate()
            meter.advance(1, trainer.latest)
            if trainer.iteration % CHECKPOINT_EVERY == 0 or trainer.iteration == end:
                trainer.save(checkpoint)
            stop_if_asked()
    return trainer


def _pretrained(trainer: MetaTrainer, checkpoint: Path, report: Report | None, *, resume: bool) -> Pretrained:
    """The first process classifies, and the others are sent what it found."""

    def classify() -> tuple[dict[str, float], dict[str, Tensor]]:
        found = pretrain(
            trainer.config, checkpoint, trainer.source, resume=resume, device=trainer.device, report=report
        )
        return {"loss": found.loss, "accuracy": found.accuracy, "seconds": found.seconds}, found.weights

    found = from_first(classify)
    assert found is not None
    return Pretrained(weights=found[1], **found[0])


class MetaTrainer:
    """Model, optimiser and records of one meta-training; `iterate` takes one meta-gradient step."""

    def __init__(
        self, config: MetaTrainConfig, source: Source, device: str = "cpu", model: nn.Sequential | None = None
    ) -> None:
        check_device(device)
        self.config, self.source, self.device = config, source, device
        self.model = (new_network(config, *source.input) if model is None else model).to(device)
        backbone = Backbone.of(self.model)
        loss: Loss = F.mse_loss if source.images is None else F.cross_entropy
        self.objective = Objective(backbone, config.lr, loss, config.query_statistics)
        self.schedule = TrainingSchedule.of(config, len(backbone.layers))
        self.train_bank = source.bank(config, "train")
        self.validation = Validation(
            self.objective, source.bank(config, "val"), config.validation_episodes, self.schedule.last_rows
        )
        self.optimizer = torch.optim.Adam(self._trainable(), lr=config.meta_lr, betas=BETAS)
        self.iteration, self.seconds = 0, 0.0
        self.best, self.log = BestWeights(), TrainingLog()
        self.pretraining: dict[str, float] = {}
        self.fitted = AS_IT_COMES

    def fit(self, limit: int) -> None:
        """Take meta-gradients so that they hold at most `limit` bytes at once. Raises ConfigError where none fits."""
        rows, order = self.schedule.heaviest_rows, self.config.order
        self.fitted = fitted(self.objective, self.train_bank[0], rows, order, self.device, limit)

    def start_from(self, found: Pretrained) -> None:
        """Begin with weights that a classification found; its time counts."""
        fill_but_head(self.model, found.weights, "equal")
        self.seconds += found.seconds
        self.pretraining = {"seconds": found.seconds, "loss": found.loss, "accuracy": found.accuracy}

    @property
    def latest(self) -> dict[str, float]:
        """The newest loss and validation accuracy and the best one, for a progress line."""
        values = self.log.latest
        return values | ({"best": self.best.score} if "val_accuracy" in values else {})

    def iterate(self) -> None:
        """One meta-gradient step over config.meta_batch episodes, and what is due after it."""
        start = time.perf_counter()
        self.log.add(*self.meta_gradient())
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.meta_lr(self.iteration)
        if self.config.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(self._trainable(), self.config.max_grad_norm)
        self.optimizer.step()
        self.iteration += 1
        score = self._validated()
        self.seconds += time.perf_counter() - start
        if self.log.row_is_due or not math.isnan(score) or self.iteration == self.config.iterations:
            self.log.end_row(self.iteration, score, self.seconds)

    def meta_gradient(self) -> tuple[float, float]:
        """Leave this iteration's meta-gradient in the parameters' .grad; returns mean query loss and accuracy."""
        self.optimizer.zero_grad(set_to_none=False)
        batch = self.config.meta_batch
        tasks = range(self.iteration * batch, (self.iteration + 1) * batch)
        return add_meta_gradient(
            self.objective,
            self.model,
            self.train_bank,
            tasks,
            self.schedule.rows_at(self.iteration),
            order=self.config.order,
            device=self.device,
            fitted=self.fitted,
        )

    def _validated(self) -> float:
        """The validation score where one is due, else NaN."""
        if self.iteration % self.config.validate_every and self.iteration != self.config.iterations:
            return math.nan
        score = self.validation.score(self.device)
        self.best.consider(score, self.iteration, self.model.state_dict())
        return score

    def _trainable(self) -> list[nn.Parameter]:
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    def save(self, folder: Path) -> None:
        """Write everything that a resumed run needs, in one file: it is there whole or not at all."""
        if process()[0] != 0:
            return
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.weights.items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": tensor for name, tensor in state.items()}
        record = self.log.as_record() | {
            "config": self.config.to_dict(),
            "iteration": self.iteration,
            "seconds": self.seconds,
            "best": [self.best.score, self.best.iteration],
            "pretraining": self.pretraining,
        }
        write_state(folder / "state.safetensors", tensors, record)

    def load(self, folder: Path) -> None:
        """Go on from a checkpoint; without one, start from the beginning. Raises StudyError and ConfigError."""
        path = folder / "state.safetensors"
        if found := from_first(lambda: read_state(path)):
            with damage_named(path):
                self._restore(*found)

    def refuse_disagreement(self) -> None:
        """Raises ConfigError where torchrun's processes would not compute one and the same training."""
        images = self.source.images
        refuse_disagreement(
            {
                "setting": json.dumps(self.config.to_dict()),
                f"version of {self.source.name}": images.fingerprint() if images and process()[1] > 1 else "",
                "torch": torch.__version__,
                "iteration": str(self.iteration),
                "weights": digest_of(self.model.state_dict()),
            }
        )

    def _restore(self, record: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        same_settings(MetaTrainConfig.with_present_names(record["config"]), self.config.to_dict())
        self.model.load_state_dict(with_prefix("model.", tensors))
        groups = self.optimizer.state_dict()["param_groups"]
        state = {index: with_prefix(f"adam.{index}.", tensors) for index in range(len(self._trainable()))}
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        self.iteration, self.seconds = record["iteration"], record["seconds"]
        self.pretraining = record["pretraining"]
        self.log.restore(record)
        score, iteration = record["best"]
        self.best = BestWeights(score, iteration, with_prefix("best.", tensors))
