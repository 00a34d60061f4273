"""Tangents of a block's forward and backward pass, and of the head's: what a product with a second derivative takes.

Forward over reverse (Pearlmutter 1994): where the weights change in a direction, so does the gradient; that change is
the second derivative times the direction. Arrays as in `compiled/steps.py`; a name that ends in `_t` is the tangent of
the one without. An array without rows stands for zeros, or for what is not asked.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lambda_core.compiled.convolution import add_to_filters, convolve, turn_filters
from lambda_core.compiled.llvm import kept_between_processes
from lambda_core.compiled.passes import normalise_pool_backward
from lambda_core.compiled.second_order.tangent_passes import (
    add_rows,
    add_scaled_inside,
    add_tangent_sums,
    pool_tangent,
    pooled_tangent_sums,
)
from lambda_core.compiled.steps import FOLDERS, add_head_gradients, to_logit_gradient, write_logits

_compiled = kept_between_processes(Path(__file__).parent, *FOLDERS, nogil=True, error_model="numpy")


@_compiled
def forward_tangent(
    x, x_t, filters, filters_t, scale, scale_t, shift_t, h, w, c, product, moments, raw, pooled, margin,
    product_t, moments_t, raw_t, pooled_t, room,
):  # fmt: skip
    """The tangent of a block's output, into `pooled_t`, from those of its input (x_t, may have no rows) and weights.

    moments_t: the means of product_t and of x̂ · product_t, x̂ the normalised product; room: for one image's product.
    """
    places, above = h * w, (h // 2) * (w // 2)
    mean, deviation, total, along = moments[0], moments[1], moments_t[0], moments_t[1]
    moments_t[:] = 0
    for image in range(len(x)):
        own = product_t[image * places : (image + 1) * places]
        convolve(x[image], 0, h, filters_t, w, c, own)
        if len(x_t) > 0:
            convolve(x_t[image], 0, h, filters, w, c, room)
        more = room if len(x_t) > 0 else room[:0]
        add_tangent_sums(own, more, product[image * places : (image + 1) * places], mean, total, along)
    for j in range(len(scale)):
        total[j] /= len(x) * places
        along[j] *= deviation[j] / (len(x) * places)
    unit = scale * deviation
    on_raw = deviation * (scale_t - unit * along)
    level = shift_t - unit * total - on_raw * mean
    for image in range(len(x)):
        part = slice(image * places, (image + 1) * places)
        at = slice(image * above, (image + 1) * above)
        pool_tangent(
            product[part], product_t[part], h, w, raw[at], pooled[image], on_raw, unit, level, raw_t[at],
            pooled_t[image], margin,
        )  # fmt: skip


@_compiled
def backward_tangent(
    gradient, gradient_t, x, x_t, filters, filters_t, scale, scale_t, h, w, c, product, moments, raw, pooled, margin,
    to_scale, to_shift, product_t, moments_t, raw_t,
    to_filters_t, to_scale_t, to_shift_t, to_product, to_product_t, turned, turned_t, to_x_t, room,
):  # fmt: skip
    """The tangents of the gradients to a block's weights, and to its input where `to_x_t` has rows.

    gradient, to_scale, to_shift: what `backward` made of them, u at the maxima and its sums; gradient_t: the tangent of
    what it was given, overwritten. With μ₁, μ₂ the moments_t, g = γσ and its tangent g_t, means m over all places:
    g_t · (u − m(u) − x̂ m(u x̂)) + g · (u_t − m(u_t) − x̂_t m(u x̂) − x̂ m((u x̂)_t)), x̂_t = σ (p_t − μ₁ − x̂ μ₂).
    """
    places, above, count = h * w, (h // 2) * (w // 2), len(x) * h * w
    mean, deviation, total, along = moments[0], moments[1], moments_t[0], moments_t[1]
    unit = scale * deviation
    unit_t = deviation * (scale_t - unit * along)
    to_shift_t[:] = 0
    to_scale_t[:] = 0
    on_raw = -deviation * along  # x̂_t / σ at the maxima: raw_t − μ₁ − x̂ μ₂
    level = -on_raw * mean - total
    pooled_tangent_sums(
        gradient_t, gradient, raw, raw_t, pooled, margin, mean, on_raw, np.ones_like(mean), level, to_shift_t,
        to_scale_t,
    )  # fmt: skip
    to_scale_t *= deviation
    share, shift_share = to_scale / count, to_shift / count
    on_unit = unit * deviation * along * share - unit_t * share - unit * to_scale_t / count
    slope_t = on_unit * deviation
    level_t = unit * deviation * total * share - unit_t * shift_share - unit * to_shift_t / count - slope_t * mean
    slope = -unit * deviation * share
    level_own = -unit * shift_share - slope * mean
    to_filters_t[:] = 0
    to_product[:] = 0
    to_product_t[:] = 0
    if len(to_x_t) > 0:
        turn_filters(filters, c, turned)
        turn_filters(filters_t, c, turned_t)
    once = np.ones_like(mean)
    for place in range(len(raw)):
        for j in range(len(mean)):
            gradient_t[place, j] = unit_t[j] * gradient[place, j] + unit[j] * gradient_t[place, j]
    for image in range(len(x)):
        own, own_t = product[image * places : (image + 1) * places], product_t[image * places : (image + 1) * places]
        at = image * above
        normalise_pool_backward(gradient[at:], raw[at:], own, h, w, unit, level_own, slope, to_product)
        normalise_pool_backward(gradient_t[at:], raw[at:], own, h, w, once, level_t, slope_t, to_product_t)
        add_scaled_inside(own_t, h, w, slope, to_product_t)
        add_to_filters(x[image], to_product_t, h, w, c, to_filters_t)
        if len(x_t) > 0:
            add_to_filters(x_t[image], to_product, h, w, c, to_filters_t)
        if len(to_x_t) > 0:
            o, below = to_product.shape[2], to_x_t[image * places : (image + 1) * places]
            convolve(to_product_t.reshape(h + 2, -1), 0, h, turned, w, o, below)
            convolve(to_product.reshape(h + 2, -1), 0, h, turned_t, w, o, room)
            add_rows(room, c, below)


@_compiled
def head_tangent(x, x_t, labels, weight, weight_t, bias, bias_t, to_weight_t, to_bias_t, to_x_t):
    """The tangents of the head's gradients: to weight, bias, and the features x. x_t may have no rows."""
    count, ways = len(x), len(weight)
    logits, logits_t = np.empty((count, ways), x.dtype), np.empty((count, ways), x.dtype)
    write_logits(x, weight_t, bias_t, logits_t)
    if len(x_t) > 0:
        write_logits(x_t, weight, bias[:0], logits)
        logits_t += logits
    write_logits(x, weight, bias, logits)
    to_logit_gradient(logits, labels)
    for row in range(count):
        chance = logits[row] * count
        chance[labels[row]] += 1  # softmax
        mean = (chance * logits_t[row]).sum()
        for way in range(ways):
            logits_t[row, way] = chance[way] * (logits_t[row, way] - mean) / count
    to_weight_t[:] = 0
    to_bias_t[:] = 0
    add_head_gradients(logits_t, x, to_weight_t, to_bias_t)
    if len(x_t) > 0:
        add_head_gradients(logits, x_t, to_weight_t, to_bias_t[:0])
    to_x_t[:] = 0
    for row in range(len(to_x_t)):
        for way in range(ways):
            for j in range(x.shape[1]):
                to_x_t[row, j] += logits_t[row, way] * weight[way, j] + logits[row, way] * weight_t[way, j]
