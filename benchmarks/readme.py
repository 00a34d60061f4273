"""Puts the measured tables into the README: python -m benchmarks.readme

Between `<!-- report -->` and `<!-- end -->`: what `lambda-core report --all` prints. Between `<!-- peers -->` and
`<!-- end -->`: the ratios that the last `python -m benchmarks.adaptation` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lambda_core.report import as_markdown
from lambda_core.study import list_studies, studies_root

ROOT = Path(__file__).parent.parent
README, PEERS = ROOT / "README.md", ROOT / "benchmarks" / "results" / "adaptation.json"


def main() -> None:
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")


def renewed(text: str) -> str:
    """The README with its tables as they are now."""
    return _between(_between(text, "report", report()), "peers", peers(json.loads(PEERS.read_text(encoding="utf-8"))))


def report() -> str:
    return as_markdown([study for study in list_studies(studies_root())[0] if study.measured])


def peers(record: dict[str, Any]) -> str:
    """The table of goals. record: what `benchmarks.adaptation` writes."""
    where = record["environment"]
    rows = [
        f"| {row['what']} | {row['measured']:.2f} | {row['goal']} | {'yes' if row['met'] else 'no'} |"
        for row in record["goals"]
    ]
    return "\n".join(
        [f"{where['processor']}, one thread, torch {where['torch']}, {record['facts']['date']}:", "",
         "| ratio of medians, one interleaved run | measured | goal | met |", "| --- | --- | --- | --- |", *rows]
    )  # fmt: skip


def _between(text: str, name: str, new: str) -> str:
    before, _, rest = text.partition(f"<!-- {name} -->\n")
    _, _, after = rest.partition("\n<!-- end -->")
    return f"{before}<!-- {name} -->\n{new}\n<!-- end -->{after}"


if __name__ == "__main__":
    main()
