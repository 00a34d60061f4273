"""What changes over the iterations of a meta-training: the inner loop's pattern and the outer step size."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lambda_core.config import MetaTrainConfig
from lambda_core.patterns import LambdaPattern, Row


@dataclass(frozen=True)
class TrainingSchedule:
    """config: of the training; patterns: those of config.pattern, which share the iterations equally, in order."""

    config: MetaTrainConfig
    patterns: tuple[LambdaPattern, ...]

    @classmethod
    def of(cls, config: MetaTrainConfig, layers: int) -> TrainingSchedule:
        """Raises PatternError for patterns that do not fit a backbone of `layers` layers."""
        return cls(config, tuple(LambdaPattern.parse(text, layers) for text in config.pattern.split("+")))

    def rows_at(self, iteration: int) -> list[Row]:
        """What each inner step of this iteration updates."""
        stage = iteration * len(self.patterns) // self.config.iterations
        return self.patterns[stage].rows_for(self.config.steps)

    @property
    def last_rows(self) -> list[Row]:
        """The same for the last pattern, under which the weights are validated."""
        return self.patterns[-1].rows_for(self.config.steps)

    @property
    def heaviest_rows(self) -> list[Row]:
        """Of the pattern under which a meta-gradient holds the most: the one that updates the most."""
        rows = (pattern.rows_for(self.config.steps) for pattern in self.patterns)
        return max(rows, key=lambda each: sum(bool(update) for row in each for update in row))

    def meta_lr(self, iteration: int) -> float:
        """The outer step size: constant, or half a cosine from config.meta_lr down to 0."""
        if self.config.schedule == "constant":
            return self.config.meta_lr
        return 0.5 * self.config.meta_lr * (1 + math.cos(math.pi * iteration / self.config.iterations))
