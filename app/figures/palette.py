"""The colours of the figures, for light and dark: one accent, and verdicts told by shape as well as by colour."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """Hex colours; each has a contrast of at least 3:1 (marks) or 4.5:1 (ink) against `paper`."""

    paper: str
    ink: str
    faint: str
    grid: str
    accent: str
    passes: str
    undecided: str
    fails: str
    other: str
    computed: str
    passed: str
    reused: str
    skipped: str

    def verdict(self, name: str) -> str:
        return {"pass": self.passes, "undecided": self.undecided, "fail": self.fails}[name]


LIGHT = Palette(
    paper="#FCFCFA", ink="#1B2124", faint="#5D676B", grid="#E3E7E4", accent="#0F766E",
    passes="#0F766E", undecided="#9A6700", fails="#B3402A", other="#4C5FB0",
    computed="#0F766E", passed="#8CC7BF", reused="#DDEAE6", skipped="#F0F3F1",
)  # fmt: skip
DARK = Palette(
    paper="#14191B", ink="#E7ECEA", faint="#9DA8AB", grid="#2A3235", accent="#2FA79B",
    passes="#38B5A8", undecided="#D9A83C", fails="#E5765F", other="#93A3F0",
    computed="#2FA79B", passed="#22655F", reused="#213033", skipped="#1A2022",
)  # fmt: skip

SHAPES = {"pass": "circle", "undecided": "circle-open", "fail": "triangle-up-open"}
