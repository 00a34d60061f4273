"""A study of many layers, as a sweep of thousands of candidates leaves it: for what must stay quick at that size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from lambda_core.config import MetaTrainConfig
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.studies.tables import write_table
from tests.support.synthetic import about, training_table

SPLITS = ("val", "test")
MOST_LAYERS = 12  # whose patterns are all written


def write_large_study(root: Path, layers: int = 10, steps: int = 10, episodes: int = 600, repeats: int = 9) -> Path:
    """Write `root/large-5w1s`: `candidates` of so many layers at 1 … steps steps; nothing is trained.

    Patterns that update more of the upper layers are the more accurate and the slower ones.
    """
    folder, random = root / "large-5w1s", np.random.default_rng(0)
    folder.mkdir(parents=True)
    config = MetaTrainConfig(dataset="cifar-fs", backbone="resnet12", steps=5)
    names = [f"block{place}" for place in range(layers - 1)] + ["head"]
    content = about(folder.name, config, episodes, steps, repeats, True)
    content |= {"layers": names, "layer_multiply_adds": [1_000_000] * layers}
    (folder / "study.json").write_text(json.dumps(content))
    weights = {f"{name}.weight": random.normal(0, 0.1, (config.ways, 8)).astype(np.float32) for name in names}
    save_file(weights, folder / "weights.safetensors")
    write_table(folder, "training", training_table(config, random))
    patterns, counts = candidates(layers, steps)
    write_table(folder, "accuracy", accuracy(patterns, counts, config.lr, episodes, random))
    write_table(folder, "timing", timing(patterns, counts, repeats, random))
    return folder


def candidates(layers: int, steps: int) -> tuple[list[str], np.ndarray]:
    """(pattern texts, step counts): no adaptation first. Of many layers only the last ones, as many as there are."""
    many = layers > MOST_LAYERS
    tails = [LambdaPattern.named(f"last{count}", layers) for count in range(1, layers + 1)] if many else []
    texts = [str(pattern) for pattern in tails or LambdaPattern.enumerate(layers)[1:]]
    return ["0" * layers, *np.repeat(texts, steps)], np.append(0, np.tile(np.arange(1, steps + 1), len(texts)))


def accuracy(
    patterns: list[str], steps: np.ndarray, lr: float, episodes: int, random: np.random.Generator
) -> pd.DataFrame:
    """In the order of a sweep: split by split, episode by episode, all candidates."""
    layers = np.array([[int(cell) for cell in pattern] for pattern in patterns])
    mean = 0.2 + 0.35 * (layers @ np.linspace(0.2, 1.0, layers.shape[1]) / 6) * (1 - 0.5**steps)
    many = len(patterns) * episodes
    words = pd.Categorical.from_codes(
        np.tile(pd.factorize(np.array(patterns))[0], episodes), pd.unique(np.array(patterns))
    )
    frames = []
    for split in SPLITS:
        drawn = mean + random.normal(0, 0.09, (episodes, 1)) + random.normal(0, 0.03, (episodes, len(patterns)))
        values = np.clip(np.round(drawn * 75) / 75, 0, 1).astype(np.float32).reshape(-1)
        frames.append(
            pd.DataFrame(
                {
                    "split": pd.Categorical.from_codes(np.full(many, SPLITS.index(split), np.int8), SPLITS),
                    "pattern": words,
                    "steps": np.tile(steps.astype(np.int16), episodes),
                    "lr": np.float32(lr),
                    "episode": np.repeat(np.arange(episodes, dtype=np.int32), len(patterns)),
                    "accuracy": values,
                    "loss": 1.9 - 1.5 * values,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def timing(patterns: list[str], steps: np.ndarray, repeats: int, random: np.random.Generator) -> pd.DataFrame:
    updated = np.array([pattern.count("1") for pattern in patterns])
    cost = steps * (1.0 + updated)
    many = len(patterns)
    return pd.DataFrame(
        {
            "pattern": patterns * repeats,
            "steps": np.tile(steps, repeats),
            "repeat": np.repeat(np.arange(repeats), many),
            "device": "cpu",
            "threads": 1,
            "milliseconds": np.tile(cost, repeats) * random.lognormal(0.02, 0.03, many * repeats),
            "multiply_adds": np.tile((cost * 1e6).astype(np.int64), repeats),
        }
    )
