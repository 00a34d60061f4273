"""The inner loop: the plain definition's result at the least work. Read `reference` first.

Belongs here: support set and weights in, adapted weights and query logits out. Does not: meta-training (`training`),
tables of results (`measurement`).
"""

from lambda_core.adaptation.adapting import Adapted, adapt, adaptation_steps
from lambda_core.adaptation.batched import (
    TOGETHER,
    BatchedBackbone,
    adapt_many,
    in_chunks,
    loop_over,
    sum_over_episodes,
)
from lambda_core.adaptation.choosing import all_steps, loop_for
from lambda_core.adaptation.gradients import Loss, only
from lambda_core.adaptation.graphs import can_be_captured, captured
from lambda_core.adaptation.inner_loop import InnerLoop
from lambda_core.adaptation.memory import peak_bytes
from lambda_core.adaptation.pool import AdaptationPool
from lambda_core.adaptation.query_statistics import QueryScorer, query_logits
from lambda_core.adaptation.reference import adapt_by_definition
from lambda_core.adaptation.tracing import trace

__all__ = [
    "TOGETHER",
    "AdaptationPool",
    "Adapted",
    "BatchedBackbone",
    "InnerLoop",
    "Loss",
    "QueryScorer",
    "adapt",
    "adapt_by_definition",
    "adapt_many",
    "adaptation_steps",
    "all_steps",
    "can_be_captured",
    "captured",
    "in_chunks",
    "loop_for",
    "loop_over",
    "only",
    "peak_bytes",
    "query_logits",
    "sum_over_episodes",
    "trace",
]
