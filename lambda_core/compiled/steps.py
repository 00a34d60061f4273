"""Forward and backward of one block, and steps of the head: what the compiled loop calls. An image after the other, so
that what is between a convolution and the pass that follows it stays in the cache.

Arrays are of one float type and contiguous. x: images with a border, channels last, (n, h + 2, (w + 2)·c); filters:
(9·c, o), see `convolution.py`; product: (places, o) of all images; moments: (2, channels), mean and 1/σ of the product;
raw: (pooled places, channels); pooled, margin: see `passes.py`.
"""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np

from lambda_core.compiled.convolution import add_to_filters, convolve, turn_filters
from lambda_core.compiled.llvm import kept_between_processes
from lambda_core.compiled.passes import (
    add_deviations,
    merge_statistics,
    normalise,
    normalise_pool_backward,
    pool,
    pooled_sums,
)
from lambda_core.compiled.winograd import convolve_tiles, transform_filters

FOLDERS = (Path(__file__).parent, Path(__file__).parent / "llvm")  # of what is compiled into the functions below
_compiled = kept_between_processes(*FOLDERS, nogil=True, error_model="numpy")


@_compiled
def forward(x, filters, scale, shift, eps, h, w, c, product, moments, raw, pooled, margin, at_once, workspace):
    """A block's output, into `pooled`. at_once: rows of places between a convolution and the pass that follows it, an
    even number. raw has no rows where no backward pass will follow; then product has room for `at_once` rows alone.
    """
    kept, mean, deviation = len(raw) > 0, moments[0], moments[1]
    moments[:] = 0
    sums = np.zeros((3, product.shape[1]), product.dtype)
    near, total, squares = sums[0], sums[1], sums[2]
    if len(workspace) > 0:
        transform_filters(filters, c, workspace)
    for image in range(len(x)):
        total[:] = 0
        squares[:] = 0
        for top in range(0, h, at_once):
            rows, first = min(at_once, h - top), (image * h + top) * w if kept else 0
            own = product[first : first + rows * w]
            convolve_rows(x[image], top, rows, filters, w, c, workspace, own)
            if top == 0:
                near[: len(mean)] = mean if image > 0 else (own[0, : len(mean)] + own[w, : len(mean)]) / 2
            add_deviations(own, near, total, squares)
            for row in range(top // 2, (top + rows) // 2):
                above = (image * (h // 2) + row) * (w // 2)
                pool(own[(2 * row - top) * w :], w, scale, raw[above:], pooled[image, row + margin, margin:])
        merge_statistics(h * w, near, total, squares, image * h * w, mean, deviation)
    for j in range(len(scale)):
        deviation[j] = 1 / np.sqrt(deviation[j] / (len(x) * h * w) + eps)
    unit = scale * deviation
    level = shift - mean * unit
    for image in range(len(x)):
        for row in range(margin, h // 2 + margin):
            normalise(pooled[image, row, margin : margin + w // 2], unit, level)


@numba.njit(nogil=True, error_model="numpy")
def convolve_rows(image, top, rows, filters, w, c, workspace, output):
    """So many rows of places, by tiles where there is a workspace for them and more than one row."""
    if len(workspace) > 0 and rows > 1:
        convolve_tiles(image, top, rows, w, c, workspace, output)
    else:
        convolve(image, top, rows, filters, w, c, output)


@_compiled
def backward(
    gradient, x, filters, scale, h, w, c, product, moments, raw, pooled, margin,
    to_filters, to_scale, to_shift, to_product, turned, to_x, at_once, workspace,
):  # fmt: skip
    """From the gradient of a block's output to those of its scale and shift, of its filters, where `to_filters` has
    rows, and of its input, where `to_x` has: (n·h·w, c) with room for whole rows. at_once, workspace: of the
    convolution that leads back.

    With u at the maxima, x̂ the normalised product and m the mean over places: σ·γ·(u − m(u) − x̂·m(u·x̂)). `gradient`
    is overwritten. to_product: of one image, (h + 2, w + 2, o); turned: room for the filters that lead back.
    """
    places, above, count = h * w, (h // 2) * (w // 2), len(x) * h * w
    mean, deviation = moments[0], moments[1]
    pooled_sums(gradient, raw, pooled, margin, mean, deviation, to_shift, to_scale)
    if len(to_filters) == 0 and len(to_x) == 0:
        return
    unit = scale * deviation
    slope, level = -unit * deviation * to_scale, -unit * to_shift
    for j in range(len(scale)):
        slope[j] /= count
        level[j] = level[j] / count - slope[j] * mean[j]
    to_filters[:] = 0
    to_product[:] = 0
    if len(to_x) > 0:
        turn_filters(filters, c, turned)
        if len(workspace) > 0:
            transform_filters(turned, to_product.shape[2], workspace)
    for image in range(len(x)):
        own, at = product[image * places : (image + 1) * places], image * above
        normalise_pool_backward(gradient[at:], raw[at:], own, h, w, unit, level, slope, to_product)
        if len(to_filters) > 0:
            add_to_filters(x[image], to_product, h, w, c, to_filters)
        if len(to_x) > 0:
            seen, o = to_product.reshape(h + 2, -1), to_product.shape[2]
            for top in range(0, h, at_once):
                rows, first = min(at_once, h - top), image * places + top * w
                convolve_rows(seen, top, rows, turned, w, o, workspace, to_x[first : first + rows * w])


@_compiled
def descend(weights, gradient, lr):
    """A step of gradient descent, in place; flat arrays."""
    for i in range(len(weights)):
        weights[i] -= lr * gradient[i]


@_compiled
def head_steps(x, labels, weight, bias, lr, losses):
    """Gradient descent of the head alone, a step for each of `losses`, which become the losses before them."""
    logits = np.empty((len(x), len(weight)), x.dtype)
    for step in range(len(losses)):
        write_logits(x, weight, bias, logits)
        losses[step] = to_logit_gradient(logits, labels)
        logits *= -lr
        add_head_gradients(logits, x, weight, bias)


@_compiled
def head_gradients(x, labels, weight, bias, to_weight, to_bias, to_x):
    """The loss, and its gradients to weight, bias and the features x, to each where its array has rows."""
    logits = np.empty((len(x), len(weight)), x.dtype)
    write_logits(x, weight, bias, logits)
    loss = to_logit_gradient(logits, labels)
    to_weight[:] = 0
    to_bias[:] = 0
    add_head_gradients(logits, x, to_weight, to_bias)
    to_x[:] = 0
    for row in range(len(to_x)):
        for way in range(len(weight)):
            for j in range(x.shape[1]):
                to_x[row, j] += logits[row, way] * weight[way, j]
    return loss


@kept_between_processes(*FOLDERS, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})
def write_logits(x, weight, bias, logits):
    """The head's output. Its sums may be taken in any order: so several numbers at once."""
    for row in range(len(x)):
        for way in range(len(weight)):
            total = x.dtype.type(0)
            for j in range(x.shape[1]):
                total += x[row, j] * weight[way, j]
            logits[row, way] = total + bias[way] if len(bias) > 0 else total


to_logits = write_logits  # for Python; compiled code keeps to the other name, whatever counts calls of this one


@_compiled
def add_head_gradients(gradient, x, weight, bias):
    """Adds to `weight` and `bias` the gradients to them that follow from those to the logits."""
    for row in range(len(x)):
        for way in range(len(weight)):
            for j in range(x.shape[1]):
                weight[way, j] += gradient[row, way] * x[row, j]
    for way in range(len(bias)):
        bias[way] += gradient[:, way].sum()


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
