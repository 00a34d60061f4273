"""Forward and backward of one block, and steps of the head: what the compiled loop calls, two kernels each (`passes.py`
and a matrix product over patches by BLAS), a few images at a time, so that what is between them stays in the cache.

Arrays are of one float type and contiguous. x: (places, c), channels last; filters: (o, 9·c); patches: (places, 9·c) of
all images, or of one tile; moments: (2, o), mean and 1/σ of the product; raw, pooled: (pooled places, o).
"""

from __future__ import annotations

import numba
import numpy as np

from lambda_core.compiled.passes import (
    add_statistics,
    fold_patches,
    normalise_pool,
    normalise_pool_backward,
    pooled_sums,
    write_patches,
    write_picture_patches,
)

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def picture_patches(padded, h, w, c, patches):
    """See `passes.write_picture_patches`; patches: (places, 9·c)."""
    write_picture_patches(padded, h, w, c, patches.reshape(len(patches), 3, 3 * c))


@_compiled
def forward(x, filters, scale, shift, eps, h, w, tile, patches, ready, product, moments, raw, pooled):
    """A block's output, into `pooled`. tile: places worked on at once; ready: the patches are there already."""
    places, c, o = len(x), x.shape[1], len(filters)
    kept = len(patches) == places
    mean, deviation = moments[0], moments[1]
    mean[:] = 0
    deviation[:] = 0
    for first in range(0, places, tile):
        end = min(first + tile, places)
        own = patches[first:end] if kept else patches[: end - first]
        if not ready:
            write_patches(x[first:end], h, w, own.reshape(end - first, 3, 3, c))
        np.dot(own, filters.T, product[first:end])
        add_statistics(product[first:end], first, mean, deviation)
    for j in range(o):
        deviation[j] = 1 / np.sqrt(deviation[j] / places + eps)
    unit = scale * deviation
    normalise_pool(product, h, w, unit, shift - mean * unit, raw, pooled)


@_compiled
def backward(
    gradient, x, filters, scale, h, w, tile, patches, product, moments, raw, pooled,
    to_filters, to_scale, to_shift, to_patches, to_x,
):  # fmt: skip
    """From the gradient of a block's output to those of its weights, where `to_filters` has rows, and of its input,
    where `to_patches` has.

    With u at the maxima, x̂ the normalised product and m the mean over places: σ·γ·(u − m(u) − x̂·m(u·x̂)). `gradient`
    and `product` are overwritten.
    """
    places, c, o = len(x), x.shape[1], len(filters)
    kept, mean, deviation = len(patches) == places, moments[0], moments[1]
    pooled_sums(gradient, raw, pooled, mean, deviation, to_shift, to_scale)
    unit = scale * deviation
    slope, level = -unit * deviation * to_scale, -unit * to_shift
    for j in range(o):
        slope[j] /= places
        level[j] = level[j] / places - slope[j] * mean[j]
    to_filters[:] = 0
    for first in range(0, places, tile):
        end, above = min(first + tile, places), first // (h * w) * (h // 2) * (w // 2)
        part = product[first:end]
        normalise_pool_backward(gradient[above:], raw[above:], h, w, unit, level, slope, part)
        if len(to_filters) > 0:
            own = patches[first:end] if kept else patches[: end - first]
            if not kept:
                write_patches(x[first:end], h, w, own.reshape(end - first, 3, 3, c))
            to_filters += np.dot(part.T, own)
        if len(to_patches) > 0:
            to_own = to_patches[: end - first]
            np.dot(part, filters, to_own)
            fold_patches(to_own.reshape(end - first, 3, 3, c), h, w, to_x[first:end])


@_compiled
def head_steps(x, labels, weight, bias, lr, losses):
    """Gradient descent of the head alone, a step for each of `losses`, which become the losses before them."""
    for step in range(len(losses)):
        logits = np.dot(x, weight.T)
        if len(bias) > 0:
            logits += bias
        losses[step] = to_logit_gradient(logits, labels)
        logits *= lr
        weight -= np.dot(logits.T, x)
        for way in range(len(bias)):
            bias[way] -= logits[:, way].sum()


@_compiled
def head_gradients(x, labels, weight, bias, to_weight, to_bias, to_x):
    """The loss, and its gradients to weight, bias and, where `to_x` has rows, to the features x."""
    logits = np.dot(x, weight.T)
    if len(bias) > 0:
        logits += bias
    loss = to_logit_gradient(logits, labels)
    np.dot(logits.T, x, to_weight)
    for way in range(len(bias)):
        to_bias[way] = logits[:, way].sum()
    if len(to_x) > 0:
        np.dot(logits, weight, to_x)
    return loss


@_compiled
def to_logit_gradient(logits, labels):
    """The mean cross-entropy; in place of the logits its gradient to them, (softmax − one-hot) / N."""
    count, ways = logits.shape
    loss = 0.0
    for row in range(count):
        most, total = logits[row].max(), 0.0
        for way in range(ways):
            total += np.exp(logits[row, way] - most)
        loss -= logits[row, labels[row]] - most - np.log(total)
        for way in range(ways):
            logits[row, way] = np.exp(logits[row, way] - most) / total / count
        logits[row, labels[row]] -= 1 / count
    return loss / count
