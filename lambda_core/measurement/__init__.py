"""What patterns do on episodes: accuracy, time, live candidates, fixed episodes from folders.

Belongs here: running patterns and writing down numbers. Does not: what the numbers mean (`selection`).
"""

from lambda_core.measurement.accuracy import sweep
from lambda_core.measurement.episode_folders import evaluate_folder
from lambda_core.measurement.live_runner import CachedRunner, LiveRunner
from lambda_core.measurement.resumable_sweep import SWEPT_SPLITS, sweep_in_chunks, unpack
from lambda_core.measurement.shared_episode import SharedEpisode
from lambda_core.measurement.study_images import study_source
from lambda_core.measurement.timing import WARM_UPS, adaptation_time, measure_times, with_memory

__all__ = [
    "SWEPT_SPLITS",
    "WARM_UPS",
    "CachedRunner",
    "LiveRunner",
    "SharedEpisode",
    "adaptation_time",
    "evaluate_folder",
    "measure_times",
    "study_source",
    "sweep",
    "sweep_in_chunks",
    "unpack",
    "with_memory",
]
