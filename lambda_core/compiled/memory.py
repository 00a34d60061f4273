"""What the compiled loop needs in memory: its buffers are laid out before anything runs, so they are asked."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from lambda_core.backbones import Backbone
from lambda_core.compiled.applies import network_of
from lambda_core.compiled.buffers import lay_out
from lambda_core.patterns import Peak, Row, lowest_ever


def compiled_peak(backbone: Backbone, support_x: Tensor, rows: Sequence[Row]) -> Peak | None:
    """Of an adaptation by `rows`, none of which is empty of updates; None where the compiled loop does not apply."""
    network = network_of(backbone, backbone.detached_weights(), support_x) if support_x.dim() == 4 else None
    if network is None or not support_x.is_cpu:
        return None
    lowest = lowest_ever(rows, default=0)
    buffers = lay_out(network, len(support_x), lowest, support_x.dtype)  # memory that nothing is written to costs none
    weights = buffers.weights
    item = weights.row.itemsize
    updated = [layer for layer in range(len(network.sizes)) if any(row[layer] for row in rows)]
    result = sum(network.sizes[layer] for layer in updated)
    own = weights.row.nbytes + item * (sum(network.sizes) + result)
    return Peak(own, buffers.kept_bytes, buffers.workspace_bytes)
