"""Times of exported adaptations that another device took, from the file that `export/on_device.py` wrote there.

The file comes from elsewhere: nothing of it is taken that is not of the right type, size and range.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lambda_core.errors import PatternError, StudyError
from lambda_core.patterns import LambdaPattern, count_cost
from lambda_core.selection import EXPORTED
from lambda_core.studies import Study
from lambda_core.system import first_line

LARGEST = 4 << 20  # bytes of a file
MOST_TIMES, MOST_ROUNDS, MOST_STEPS, MOST_THREADS = 1000, 10_000, 100, 1024
LONGEST_WORD = 120
SLOWEST = 1e9  # milliseconds


def read_device_times(path: Path, study: Study) -> pd.DataFrame:
    """The file's times as rows of the study's timing table. Raises StudyError that names the file and what is wrong.

    Their memory is unknown: what a runtime needs is not what this engine does. Multiply-adds are those of the plan.
    """
    content = _read(path)
    config, (size, channels) = study.config, study.input
    shape = [config.ways * config.shots, channels, size, size]
    if content.get("layers") != list(study.layers) or content.get("support_images") != shape:
        raise StudyError(f"{path} holds times of another network or support set than {study.name}'s")
    runtime, processor = (_word(path, content, key) for key in ("runtime", "processor"))
    if not runtime.startswith(EXPORTED):
        raise StudyError(f"{path}: 'runtime' must be {EXPORTED} and its version, not {runtime!r}")
    threads = _whole(path, content.get("threads"), "threads", MOST_THREADS)
    times = content.get("times")
    if not isinstance(times, list) or not 1 <= len(times) <= MOST_TIMES:
        raise StudyError(f"{path}: 'times' must list 1 to {MOST_TIMES:,} adaptations")
    rows = pd.concat([_rows(path, each, study) for each in times], ignore_index=True)
    _check_rounds(path, rows, study)
    same = {"device": "cpu", "threads": np.int16(threads), "torch": runtime, "processor": processor}
    unknown = {f"{part}_bytes": np.int64(0) for part in ("weight", "kept", "workspace")}
    return rows.assign(**same, **unknown)


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise StudyError(f"{path} is larger than {LARGEST >> 20} MB: it is no file of times")
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise StudyError(f"{path} cannot be read: {first_line(error)}") from error
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{path} is no JSON file, such as on_device.py writes") from error
    if not isinstance(content, dict) or content.get("format") != 1:
        raise StudyError(f"{path} is no file of times, such as on_device.py writes")
    return content


def _word(path: Path, content: dict[str, Any], key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str) or not value.isprintable() or not 1 <= len(value) <= LONGEST_WORD:
        raise StudyError(f"{path}: {key!r} must be a word of 1 to {LONGEST_WORD} printable signs")
    return value


def _whole(path: Path, value: Any, what: str, most: int) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise StudyError(f"{path}: {what} must be a whole number from 1 to {most:,}")
    return value


def _rows(path: Path, entry: Any, study: Study) -> pd.DataFrame:
    """Of one adaptation, a row a round."""
    if not isinstance(entry, dict) or not isinstance(entry.get("pattern"), str):
        raise StudyError(f"{path}: each of 'times' must be an object with pattern, steps and milliseconds")
    try:
        pattern = LambdaPattern.parse(entry["pattern"][:10_000], len(study.layers))
    except PatternError as error:
        raise StudyError(f"{path}: {error}") from error
    steps = _whole(path, entry.get("steps"), "steps", MOST_STEPS)
    taken = _milliseconds(path, entry.get("milliseconds"))
    costs = study.layer_costs or [0] * len(study.layers)
    return pd.DataFrame(
        {
            "pattern": str(pattern),
            "steps": np.int16(steps),
            "repeat": np.arange(len(taken), dtype=np.int32),
            "milliseconds": np.array(taken, dtype=np.float64),
            "multiply_adds": np.int64(count_cost(pattern, steps, costs)),
        }
    )


def _milliseconds(path: Path, values: Any) -> list[float]:
    numbers = isinstance(values, list) and all(type(each) in (int, float) for each in values)
    if not numbers or not 1 <= len(values) <= MOST_ROUNDS:
        raise StudyError(f"{path}: 'milliseconds' must list 1 to {MOST_ROUNDS:,} numbers, one a round")
    if not all(math.isfinite(each) and 0 < each <= SLOWEST for each in values):
        raise StudyError(f"{path}: a time must be a number of milliseconds above 0")
    return [float(each) for each in values]


def _check_rounds(path: Path, rows: pd.DataFrame, study: Study) -> None:
    counts = rows.groupby(["pattern", "steps"]).size()
    if rows.duplicated(["pattern", "steps", "repeat"]).any() or counts.nunique() > 1:
        raise StudyError(f"{path}: every adaptation must stand there once, with as many rounds as the others")
    full = str(LambdaPattern.full(len(study.layers))), study.reference_steps
    if full not in counts:
        raise StudyError(
            f"{path} holds no time of all layers for {full[1]} steps, to compare with: export that too "
            f"(--pattern maml --steps {full[1]}) and time all of them together"
        )
