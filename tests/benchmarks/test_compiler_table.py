"""The table against compilers, from a record: it tells the slowest ratio, and every goal stands there."""

from __future__ import annotations

from benchmarks.readme import beside_compilers, compiler_goals, compilers

EXPORT = "our export in onnxruntime"


def _row(model, text, shots, ours, jax, export, **more):
    times = {"ours": ours, "jax.jit": jax, EXPORT: export, **more}
    return {"model": model, "pattern": text, "shots": shots, "ms": times, "first call, s": dict.fromkeys(times, 1.5),
            "over the fastest": min(jax, export, *more.values()) / ours}  # fmt: skip


LIBRARIES = {"copy + SGD": 30.0, "higher": 36.0, "torchopt": 40.0}
RECORD = {
    "environment": {"processor": "a processor", "torch": "2.14.1"},
    "date": "2026-11-26",
    "rounds": 3,
    "floor, ms": {"11111": 8.0, "00001": 0.5},
    "rows": [
        _row("4-CONV", "11111", 1, 10.0, 20.0, 15.0, **LIBRARIES),
        *(_row("4-CONV", text, 1, 2.0, 4.0, 3.0) for text in ("01111", "00111", "00011")),
        _row("4-CONV", "00001", 1, 1.0, 2.0, 0.9),
        *(_row("4-CONV", text, 5, 5.0, 6.0, 7.0) for text in ("11111", "01111", "00111", "00011", "00001")),
        _row("ResNet-12", "11111", 1, 50.0, 40.0, 60.0, **{"copy + SGD": 90.0}),
    ],
}


def test_the_slowest_ratio_of_each_network_is_told():
    said = "0.90× for 4-CONV (`00001`, 5 images); 0.80× for ResNet-12 (`11111`, 5 images)"
    assert said in compilers(RECORD)
    assert said in beside_compilers(RECORD)
    assert (
        "jax.jit 0.80 to 2.00, our export in onnxruntime 0.90 to 1.50, eager libraries 1.80 to 4.00"
        in beside_compilers(RECORD)
    )


def test_every_row_and_every_peer_is_shown():
    lines = compilers(RECORD).splitlines()
    rows = [line for line in lines if line.startswith(("| 4-CONV", "| ResNet-12"))]
    assert len(rows) == len(RECORD["rows"])
    assert rows[0] == "| 4-CONV | 5 | `11111` | 10.00 | 20.00 | 15.00 | 30.00 | 36.00 | 40.00 | 1.50× |"


def test_goals_are_set_beside_what_was_measured():
    goals = {what: (value, goal) for what, value, goal in compiler_goals(RECORD)}
    assert goals["`00001`, 5 images, over the fastest peer"] == (0.9, "≥ 1.8")
    assert goals["`00001` over the fastest compiler's `11111`"] == (15.0, "≥ 15")
    assert goals["`11111` over the fastest library's"] == (3.0, "≥ 2.8")
    assert goals["`00001`: time over the floor"] == (2.0, "≤ 2.0")
    assert len(goals) == 10 + 3 + 2 + 3
