"""Mean cross-entropy with its gradient, and gradient descent of a linear layer under it: what a head's steps are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

IGNORED = -100  # the label that F.cross_entropy leaves out by default


class CrossEntropy:
    """`F.cross_entropy` to labels that stay the same, and its gradient to the logits, (softmax − one-hot) / M.

    labels: (N,) int64, classes 0 … ways − 1, or −100 for rows that do not count; M: the rows that do.
    """

    def __init__(self, labels: Tensor) -> None:
        self.labels = labels
        self._log_p_gradient = torch.empty(0)

    def __call__(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """logits: (N, ways) → the loss, 0-dimensional, and its gradient to them."""
        log_p = torch.log_softmax(logits, 1)
        return F.nll_loss(log_p, self.labels), logit_gradient(self._gradient_to_log_p(log_p), log_p)

    def _gradient_to_log_p(self, log_p: Tensor) -> Tensor:
        """−one-hot / M, with rows of zeros where the label does not count."""
        known = self._log_p_gradient
        if known.shape != log_p.shape or known.dtype != log_p.dtype:
            F.nll_loss(log_p, self.labels)  # raises, as the plain loss would, for a label of no class
            counts = (self.labels != IGNORED).to(log_p.dtype)
            share = (counts / -counts.sum())[:, None]
            known = torch.zeros_like(log_p).scatter(1, self.labels.clamp_min(0)[:, None], share)
            self._log_p_gradient = known
        return known

    def gradient_descent(
        self, weight: Tensor, bias: Tensor | None, features: Tensor, lr: float, steps: int
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """`steps` steps of gradient descent of logits = features · weightᵀ + bias.

        weight: (ways, D); bias: (ways,) or None; features: (N, D) → weight, bias, and the loss before each step,
        (steps,). Call it without gradients: what one step costs beside its two products is five small kernels.
        """
        across, turned, before = weight.t(), features.t(), []
        for _ in range(steps):
            logits = features @ across if bias is None else torch.addmm(bias, features, across)
            log_p = torch.log_softmax(logits, 1)
            before.append(log_p)
            gradient = logit_gradient(self._gradient_to_log_p(log_p), log_p)
            across = torch.addmm(across, turned, gradient, alpha=-lr)
            bias = None if bias is None else torch.sub(bias, gradient.sum(0), alpha=lr)
        losses = (torch.stack(before) * self._log_p_gradient).sum((1, 2))
        return across.t(), bias, losses


def logit_gradient(gradient_to_log_p: Tensor, log_p: Tensor) -> Tensor:
    """The gradient to the logits, (N, ways), from that to their log-softmax and from the log-softmax itself."""
    gradient: Tensor = torch.ops.aten._log_softmax_backward_data(gradient_to_log_p, log_p, 1, log_p.dtype)
    return gradient
