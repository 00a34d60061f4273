"""A pattern in words, by the names of the layers."""

from __future__ import annotations

from collections.abc import Sequence

from lambda_core.patterns.pattern import LambdaPattern


def describe_pattern(pattern: str, layers: Sequence[str]) -> str:
    """`only the head`, `all layers`, `conv3, conv4 and head`, `all layers first, then only the head`, …"""
    rows = LambdaPattern.parse(pattern, len(layers)).rows
    texts = [_describe_row(row, layers) for row in rows]
    return f"{texts[0]} first, then {', then '.join(texts[1:])}" if len(texts) > 1 else texts[0]


def _describe_row(row: Sequence[bool], layers: Sequence[str]) -> str:
    updated = [name for name, on in zip(layers, row, strict=True) if on]
    frozen = [name for name, on in zip(layers, row, strict=True) if not on]
    if not updated:
        return "nothing"
    if not frozen:
        return "all layers"
    if len(updated) == 1:
        return f"only {_the(updated[0])}"
    if len(frozen) == 1 and len(layers) > 3:
        return f"all layers but {_the(frozen[0])}"
    return f"{', '.join(updated[:-1])} and {updated[-1]}"


def _the(layer: str) -> str:
    return "the head" if layer == "head" else layer
