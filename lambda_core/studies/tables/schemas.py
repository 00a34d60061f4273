"""The columns of a study's tables: types on disk, and the range of right values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column: its Arrow type on disk, the range of right values, and whether NaN is a right value.

    lacking: what stands in a table that was written before there was this column; None: it was always there.
    """

    type: pa.DataType
    low: float = -np.inf
    high: float = np.inf
    nan: bool = False
    lacking: str | int | None = None


UNKNOWN = "unknown"
_WORD = pa.dictionary(pa.int16(), pa.string())
_COUNT = Column(pa.int16(), low=0)
_BYTES = Column(pa.int64(), low=0, lacking=0)
_MEASURED = Column(pa.float32(), nan=True)  # a diverged adaptation has no finite loss: that is a result, not a fault
ACCURACY = {
    "split": Column(_WORD),
    "pattern": Column(_WORD),
    "steps": _COUNT,
    "lr": Column(pa.float32(), low=0),
    "episode": Column(pa.int32(), low=0),
    "accuracy": Column(pa.float32(), low=0, high=1),
    "loss": _MEASURED,
}


TIMING = {
    "pattern": Column(_WORD),
    "steps": _COUNT,
    "repeat": Column(pa.int32(), low=0),
    "device": Column(_WORD),
    "threads": _COUNT,
    "milliseconds": Column(pa.float64(), low=0, high=1e9),
    "multiply_adds": Column(pa.int64(), low=0),
    **{f"{part}_bytes": _BYTES for part in ("weight", "kept", "workspace")},
    "torch": Column(_WORD, lacking=UNKNOWN),
    "processor": Column(_WORD, lacking=UNKNOWN),
}


EPISODES = {
    "split": Column(_WORD),
    "episode": Column(pa.int32(), low=0),
    "class": Column(pa.int32(), low=0),
}


TRAINING = {
    "iteration": Column(pa.int32(), low=0),
    "loss": _MEASURED,
    "accuracy": _MEASURED,
    "val_accuracy": _MEASURED,
    "seconds": Column(pa.float64(), low=0, nan=True),
}
_SHARE = Column(pa.float64(), low=0, high=1)
_REAL = Column(pa.float64())
_REAL_OR_NONE = Column(pa.float64(), nan=True)
_YES_OR_NO = Column(pa.bool_())
SEARCH = {
    "split": Column(_WORD),
    "pattern": Column(_WORD),
    "steps": _COUNT,
    "multiply_adds": Column(pa.int64(), low=0),
    "speed_up": Column(pa.float64(), low=0),
    "per_layer": _YES_OR_NO,
    "on_front": _YES_OR_NO,
    "search_accuracy": _SHARE,
    "accuracy": _SHARE,
    "accuracy_low": _REAL,
    "accuracy_high": _REAL,
    "degradation": _REAL,
    "degradation_low": _REAL,
    "degradation_high": _REAL,
    "p_adjusted": _REAL_OR_NONE,
    "verdict": Column(_WORD),
    "episodes": Column(pa.int32(), low=1),
    "rival": Column(_WORD, nan=True),
    "gain": _REAL_OR_NONE,
    "gain_low": _REAL_OR_NONE,
    "gain_high": _REAL_OR_NONE,
    "gain_p_adjusted": _REAL_OR_NONE,
    "dominates": _YES_OR_NO,
    "step_sizes": Column(_WORD, lacking=""),
}  # see `selection.judge_search`


TABLES = {"accuracy": ACCURACY, "timing": TIMING, "training": TRAINING, "search": SEARCH, "episodes": EPISODES}
