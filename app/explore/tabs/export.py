"""The chosen candidate to take along: as JSON for a device's tool chain, as Python that runs."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from lambda_core.patterns import LambdaPattern
from lambda_core.studies import Measurement, Study


def as_json(study: Study, candidate: pd.Series, threshold: float, confidence: float) -> str:
    """The candidate, what was measured on it (validation classes) and under which conditions."""
    return json.dumps(_facts(study, candidate, threshold, confidence), indent=2, ensure_ascii=False)


def _facts(study: Study, row: pd.Series, threshold: float, confidence: float) -> dict[str, Any]:
    return {
        "study": study.name,
        "layers": list(study.layers),
        "pattern": row["pattern"],
        "steps": int(row["steps"]),
        "lr": _short(row["lr"]),
        "reference": {"pattern": str(LambdaPattern.full(len(study.layers))), "steps": study.reference_steps},
        "speed_up": _short(row["speed_up"]),
        "milliseconds": _short(row["milliseconds"]),
        "multiply_adds": int(row["multiply_adds"]),
        "accuracy": _short(row["accuracy"]),
        "degradation_points": {
            "mean": _short(row["degradation"]),
            "low": _short(row["degradation_low"]),
            "high": _short(row["degradation_high"]),
        },
        "verdict": {"is": row["verdict"], "threshold_points": threshold, "confidence": confidence},
        "measured": {"split": "val", "sweep": _noted(study.metadata.sweep), "timing": _noted(study.metadata.timing)},
    }


def _noted(measurement: Measurement[Any] | None) -> dict[str, Any] | None:
    return None if measurement is None else measurement.to_dict()


def _short(value: float) -> float | None:
    # JSON has no infinity: no adaptation at all is infinitely fast
    return float(f"{value:.4g}") if abs(value) != float("inf") else None


def as_python(study: Study, pattern: str, steps: int, lr: float, words: str) -> str:
    """A program that adapts the study's model under the pattern to one episode of unseen classes."""
    config, domain = study.config, study.metadata.domain
    size, channels = study.input
    swapped = ", inverted=True" if domain and domain.inverted else ""
    fitted = f".fitted({size}, {channels}{swapped})" if domain else ""
    return f'''"""{study.title}: update {words}, {steps} step{"s" * (steps != 1)}. Made by Lambda Lab."""

from lambda_core import EpisodeBank, LambdaPattern, Study, adapt, load_dataset

model = Study.load("{study.name}").model()
pattern = LambdaPattern.parse("{pattern}", layers={len(study.layers)})

# Any support set will do: images (N·K, C, H, W) in [-1, 1], labels 0 … {config.ways - 1}.
# Here, an episode of classes that the model never saw:
dataset = load_dataset("{study.dataset}"){fitted}
episode = EpisodeBank(dataset, "test", ways={config.ways}, shots={config.shots}, queries=15, seed=7)[0]

adapted = adapt(model, episode.support_x, episode.support_y, pattern, steps={steps}, lr={lr:g})
predicted = adapted.model(episode.query_x).argmax(dim=1)
print(f"{{(predicted == episode.query_y).float().mean():.0%}} of {{len(predicted)}} queries right")
'''
