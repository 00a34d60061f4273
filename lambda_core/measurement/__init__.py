"""What patterns do on episodes: accuracy, time, live candidates, fixed episodes from folders.

Belongs here: running patterns and writing down numbers. Does not: what the numbers mean (`selection`).
"""

from lambda_core.measurement.accuracy import sweep
from lambda_core.measurement.compiled_episode import CompiledEpisode, episode_for_many
from lambda_core.measurement.device_times import read_device_times
from lambda_core.measurement.episode_folders import evaluate_folder
from lambda_core.measurement.live_runner import CachedRunner, LiveRunner
from lambda_core.measurement.parts import WHOLE, Part, gather, refuse_missing
from lambda_core.measurement.resumable_sweep import (
    drop_short_chunks,
    make_chunks,
    sweep_in_chunks,
    table_of,
    unpack,
)
from lambda_core.measurement.shared_episode import SharedEpisode
from lambda_core.measurement.study_images import study_source
from lambda_core.measurement.sweep_chunks import SWEPT_SPLITS, chunks_of, folder_of_chunks
from lambda_core.measurement.timing import WARM_UPS, adaptation_time, measure_times, with_memory

__all__ = [
    "SWEPT_SPLITS",
    "WARM_UPS",
    "WHOLE",
    "CachedRunner",
    "CompiledEpisode",
    "LiveRunner",
    "Part",
    "SharedEpisode",
    "adaptation_time",
    "chunks_of",
    "drop_short_chunks",
    "episode_for_many",
    "evaluate_folder",
    "folder_of_chunks",
    "gather",
    "make_chunks",
    "measure_times",
    "read_device_times",
    "refuse_missing",
    "study_source",
    "sweep",
    "sweep_in_chunks",
    "table_of",
    "unpack",
    "with_memory",
]
