"""How a study's numbers came about, beside the numbers."""

from __future__ import annotations

import streamlit as st

from app.shared import selection_cache, study_cache
from lambda_core.studies import Study


def conditions_tab(study: Study, timing: str, candidates: int) -> None:
    """How the numbers came about, beside the numbers."""
    left, right = st.columns(2)
    left.table(dict(_conditions(study, timing, candidates)), border="horizontal")
    with right:
        st.markdown("**Commands that made this study**")
        st.code("\n".join(study.about.get("commands", [])) or "not recorded", language="bash", wrap_lines=True)
        st.markdown(_RULES)


_RULES = (
    "Every pattern sees the same episodes, so each candidate is compared with the full pattern episode by episode. "
    "*Pass*: a one-sided paired test shows, at the asked confidence and corrected (Holm) over all candidates, that the "
    "degradation stays within the threshold. *Fail*: the opposite is shown. *Undecided*: more episodes are needed. "
    "Patterns are chosen on validation classes; the choice is looked at once on test classes."
)


def _conditions(study: Study, timing: str, candidates: int) -> list[tuple[str, str]]:
    sweep, clock, where = (study.about.get(part) or {} for part in ("sweep", "timing", "environment"))
    val, test = (selection_cache.split(study, name)["episode"].nunique() for name in ("val", "test"))
    data, config = study.about.get("dataset") or {}, study.config
    rows = {
        "Candidates": f"{candidates}; each verdict is corrected for having looked at all",
        "Reference": f"full pattern, {study.config.steps} steps, step size {study.config.lr:g}",
        "Episodes": f"{val} on validation classes, {test} on test classes, seed {sweep.get('seed', '?')}",
        "Queries a class": str(sweep.get("queries", "?")),
        "Query statistics": str(sweep.get("query_statistics", study.config.query_statistics)),
        "Timed on": study_cache.timings(study)[timing],
        "Timed rounds": f"{clock.get('repeats', '?')}, interleaved in random order; medians and quartiles",
        "Processor": str(where.get("processor", "?")),
        "PyTorch": str(where.get("torch", "?")),
        "Data set": f"{config.dataset}, fingerprint {str(data.get('fingerprint', '?'))[:12]}",
        "Pretraining": f"{config.pretrain_epochs} passes of ordinary classification"
        if config.pretrain_epochs
        else "none",
        "Meta-training": f"{config.iterations} iterations of {config.meta_batch} episodes, pattern {config.pattern}",
        "Made": str(study.about.get("created", "?")),
    }
    return list(rows.items())
