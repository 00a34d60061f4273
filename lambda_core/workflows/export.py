"""Take a study's adaptation along: as ONNX graphs, with what was measured on it in the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lambda_core.errors import StudyError
from lambda_core.export import Exported, archive, export_adaptation
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import rows_under, timing_conditions
from lambda_core.studies import Study


def export_study(
    study: Study,
    pattern: LambdaPattern,
    to: Path,
    *,
    steps: int | None = None,
    lr: float | Sequence[float] | None = None,
    query_statistics: str = "transductive",
) -> Exported:
    """Write `to` (such as adapt.onnx) and what belongs beside it; see `export_adaptation`.

    steps, lr: the study's own where left out; lr: one for all layers, or one a layer.
    """
    config = study.config
    if config.ways == 1:
        raise StudyError(f"{study.name} is a regression; only classifications are exported")
    size, channels = study.input
    steps, lr = config.steps if steps is None else steps, config.lr if lr is None else lr
    return export_adaptation(
        study.model(),
        to,
        pattern,
        steps,
        lr,
        support_shape=(config.ways * config.shots, channels, size, size),
        query_statistics=query_statistics,
        about={"study": study.name, "measured": _measured(study, pattern, steps)},
    )


def export_archive(
    folder: str, pattern: LambdaPattern, steps: int, lr: float, query_statistics: str = "transductive"
) -> bytes:
    """As `export_study`, as one zip archive: the graphs, the manifest and a program that runs them. folder: a study's.

    Raises LambdaError where it cannot be exported.
    """
    study = Study.load(Path(folder))

    def export(to: Path) -> Exported:
        return export_study(study, pattern, to, steps=steps, lr=lr, query_statistics=query_statistics)

    return archive(export, "adapt")


def _measured(study: Study, pattern: LambdaPattern, steps: int) -> dict[str, Any] | None:
    """The engine's own time for this candidate, from the study's table; None where it is not in it.

    Of several machines, that which timed it most: the rows say which, for study.json knows of one only.
    """
    if study.timing is None:
        return None
    rows = study.timing[(study.timing["pattern"] == str(pattern)) & (study.timing["steps"] == steps)]
    if rows.empty:
        return None
    conditions = [each for each in timing_conditions(rows) if not each.is_exported]
    if not conditions:
        return None
    rows, peak = rows_under(rows, conditions[0]), study.peak(str(pattern), steps)
    return {
        "milliseconds": round(float(rows["milliseconds"].median()), 4),
        "by": f"lambda-core, torch {conditions[0].torch}",
        "threads": conditions[0].threads,
        "processor": conditions[0].processor,
        "peak_bytes": None if peak is None else vars(peak),
    }
