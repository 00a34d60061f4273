"""The pieces of work that make and use a study, each resumable: train, measure, search, watch, export.

Belongs here: what ties engine and studies together. Does not: options and printing (`commands`).
"""

from lambda_core.workflows.export import export_archive, export_study
from lambda_core.workflows.measure import (
    add_device_times,
    complete,
    count_memory,
    measurable,
    note,
    on_dataset,
    sweep_study,
    time_study,
)
from lambda_core.workflows.parts import merge_sweep, sweep_part
from lambda_core.workflows.search import live_runner, race_live, search_study
from lambda_core.workflows.start import read_weights, start_study
from lambda_core.workflows.train import train_seeds, train_study
from lambda_core.workflows.watch import draw_pictures, ready, trace_pictures, trace_sine, trace_study, why_not_ways

__all__ = [
    "add_device_times",
    "complete",
    "count_memory",
    "draw_pictures",
    "export_archive",
    "export_study",
    "live_runner",
    "measurable",
    "merge_sweep",
    "note",
    "on_dataset",
    "race_live",
    "read_weights",
    "ready",
    "search_study",
    "start_study",
    "sweep_part",
    "sweep_study",
    "time_study",
    "trace_pictures",
    "trace_sine",
    "trace_study",
    "train_seeds",
    "train_study",
    "why_not_ways",
]
