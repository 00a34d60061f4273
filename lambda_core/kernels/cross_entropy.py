"""Mean cross-entropy with its gradient, and gradient descent of a linear layer under it: what a head's steps are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


class CrossEntropy:
    """Mean cross-entropy to labels that stay the same, and its gradient to the logits, (softmax − one-hot) / N."""

    def __init__(self, labels: Tensor) -> None:
        self.labels, self._aim = labels, torch.empty(0)

    def __call__(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        log_p = torch.log_softmax(logits, 1)
        return F.nll_loss(log_p, self.labels), self.logit_gradient(log_p)

    def logit_gradient(self, log_p: Tensor) -> Tensor:
        """The gradient to the logits, (N, ways), from their log-softmax."""
        logit_gradient: Tensor = torch.ops.aten._log_softmax_backward_data(self._aim_like(log_p), log_p, 1, log_p.dtype)
        return logit_gradient

    def _aim_like(self, logits: Tensor) -> Tensor:
        """−one-hot / N: the gradient of the loss to the log-probabilities."""
        if self._aim.shape != logits.shape or self._aim.dtype != logits.dtype:
            self._aim = torch.zeros_like(logits).scatter_(1, self.labels[:, None], -1 / len(self.labels))
        return self._aim

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
            logit_gradient = self.logit_gradient(log_p)
            across = torch.addmm(across, turned, logit_gradient, alpha=-lr)
            bias = None if bias is None else torch.sub(bias, logit_gradient.sum(0), alpha=lr)
        losses = (torch.stack(before) * self._aim).sum((1, 2))
        return across.t(), bias, losses
