"""The tab that takes each study's choice to the others."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.compare.choices import choice_on
from lambda_core.analysis import judge_transfer
from lambda_core.formatting import points, times, with_interval
from lambda_core.selection import Choice, SelectionSettings
from lambda_core.studies import Study


def show(studies: list[Study], settings: SelectionSettings) -> None:
    """Chosen on one study (rows), judged on another's test classes (columns)."""
    rows = [_row(source, choice_on(source, settings), studies) for source in studies]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Transfer of chosen patterns between studies")
    st.caption(
        f"Points lost on test classes, and whether it stays within {points(settings.threshold)}: one "
        "look each, uncorrected. Pattern and step count travel; the step size is each study's own. `lambda-core "
        "transfer` prints the same verdicts."
    )


def _row(source: Study, choice: Choice, studies: list[Study]) -> dict[str, str]:
    chosen = {
        "Chosen on": source.name,
        "Pattern": f"{choice.pattern}, {choice.steps} steps",
        "Speed-up there": times(choice.speed_up),
    }
    return chosen | {f"On {target.name}": _judged(choice, source, target) for target in studies}


def _judged(choice: Choice, source: Study, target: Study) -> str:
    seen = judge_transfer(choice, target) if source.layers == target.layers else None
    if seen is None:
        return "not measured"
    return f"{seen.verdict}: {with_interval(*seen.degradation)}"
