"""Episodes: seeded few-shot tasks, the same ones for every pattern, on every machine and in every process.

Belongs here: drawing support and query sets. Does not: where images lie (`data`), adapting to them (`adaptation`).
"""

from lambda_core.episodes.episode import Bank, Episode, as_inputs, stacked
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.episodes.sampling import drawn_classes
from lambda_core.episodes.sinusoid_bank import SinusoidBank
from lambda_core.episodes.source import Source

__all__ = [
    "Bank",
    "Episode",
    "EpisodeBank",
    "SinusoidBank",
    "Source",
    "as_inputs",
    "drawn_classes",
    "stacked",
]
