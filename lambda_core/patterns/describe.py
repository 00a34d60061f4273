"""A pattern in words, by the names of the layers."""

from __future__ import annotations

from collections.abc import Sequence

from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.patterns.update import Row, Update


def describe_pattern(pattern: str, layers: Sequence[str]) -> str:
    """`only the head`, `all layers`, `conv3, conv4 and head`, `all layers first, then only the head`, …"""
    rows = LambdaPattern.parse(pattern, len(layers)).rows
    texts = [_describe_row(row, layers) for row in rows]
    return f"{texts[0]} first, then {', then '.join(texts[1:])}" if len(texts) > 1 else texts[0]


def _describe_row(row: Row, layers: Sequence[str]) -> str:
    whole = [name for name, update in zip(layers, row, strict=True) if update == Update.ALL]
    in_part = [name for name, update in zip(layers, row, strict=True) if update == Update.SCALES]
    if not in_part:
        return _describe_whole(whole, layers)
    scales = f"scale and shift of {_listed(in_part, layers)}"
    return f"{_listed(whole, layers)}, and {scales}" if whole else scales


def _describe_whole(updated: list[str], layers: Sequence[str]) -> str:
    if not updated:
        return "nothing"
    return f"only {_the(updated[0])}" if len(updated) == 1 < len(layers) else _listed(updated, layers)


def _listed(updated: list[str], layers: Sequence[str]) -> str:
    others = [name for name in layers if name not in updated]
    if not others:
        return "all layers"
    if len(updated) == 1:
        return _the(updated[0])
    if len(others) == 1 and len(layers) > 3:
        return f"all layers but {_the(others[0])}"
    return f"{', '.join(updated[:-1])} and {updated[-1]}"


def _the(layer: str) -> str:
    return "the head" if layer == "head" else layer
