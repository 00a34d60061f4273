"""A small study and a small data set, whole and sealed, to spoil copies of."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lambda_core.data import import_folder
from lambda_core.selection import judge_search, search
from lambda_core.studies import commit
from tests.support.making import write_pictures
from tests.support.planted import CONFIG, COSTS, Planted
from tests.support.synthetic import write_study

TABLES = ("training", "accuracy", "timing", "search", "episodes")


def sealed_study(root: Path, name: str = "victim") -> Path:
    """With all five tables and weights, and the sum of each."""
    folder = write_study(root, name, episodes=3, max_steps=2, repeats=2, filters=4, iterations=500)
    found = search(Planted(), 3, 0.1, COSTS, CONFIG)
    table = judge_search(found, Planted(noise=0.01), 3, 0.1, CONFIG).assign(split="val")
    rows = [(split, episode, place) for split in ("val", "test") for episode in range(3) for place in range(5)]
    episodes = pd.DataFrame(rows, columns=["split", "episode", "class"])
    commit(
        folder,
        lambda metadata: metadata.with_measurement("search", CONFIG.to_dict()),
        {"episodes": episodes, "search": table},
    )
    return folder


def sealed_data(root: Path, name: str = "spoilt-dataset") -> Path:
    return import_folder(write_pictures(root / "pictures", images=3), name, root, size=16)
