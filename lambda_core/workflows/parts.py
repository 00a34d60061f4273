"""A sweep made in parts, on machines that may share nothing, and brought together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lambda_core.config import SweepConfig
from lambda_core.measurement import (
    Part,
    chunks_of,
    drop_short_chunks,
    folder_of_chunks,
    gather,
    make_chunks,
    refuse_missing,
    table_of,
    unpack,
)
from lambda_core.studies import Study, own_copy
from lambda_core.system import Report, locked
from lambda_core.workflows.measure import classes_of, measurable, note, settings_for


def sweep_part(
    study: Study,
    config: SweepConfig,
    part: Part,
    *,
    root: str | None = None,
    processes: int | None = 1,
    memory_limit: int | None = None,
    report: Report | None = None,
) -> Study:
    """Make one part of `sweep_study` in the study's checkpoint; resumes by itself, and writes no table.

    Parts may run at once, in one folder or in copies of it on many machines: `merge_sweep` brings them together.
    processes: None: one a core. memory_limit: as of `sweep_study`. Raises LambdaError.
    """
    config = settings_for(study, config)
    study = own_copy(study)
    busy = f"part {part} of {study.name} is being swept"
    with locked(study.folder / f".sweep-{part.number}-of-{part.of}.lock", busy):
        _, fingerprint = measurable(study, root)
        drop_short_chunks(study)
        unpack(study, config, fingerprint)
        work: dict[str, Any] = {"root": root, "processes": processes, "report": report, "code": study.code}
        make_chunks(study.folder, config, fingerprint, part=part, memory_limit=memory_limit, **work)
    return study


def merge_sweep(study: Study, others: Sequence[Path], *, root: str | None = None, command: str = "") -> Study:
    """Bring the parts of a sweep together and write the tables, the same as one process would have written.

    others: copies of the study on which parts were swept, in any order; none where all parts were swept here. Raises
    StudyError for parts of other weights, data or settings, and where parts are missing: those that are there are kept.
    """
    study = own_copy(study)
    with locked(study.folder / ".sweep.lock", f"{study.name} is being swept"):
        source, fingerprint = measurable(study, root)
        config = gather(study.folder, others, fingerprint).settings
        study.check_sweep(config)
        chunks = chunks_of(folder_of_chunks(study.folder), config.episodes)
        refuse_missing(chunks)
        tables = {"accuracy": table_of(chunks), "episodes": classes_of(study, config, source)}
        return note(study, "sweep", config.to_dict(), command, **tables)
