"""The tab that says how the numbers came about."""

from __future__ import annotations

import streamlit as st

from app.shared import selection_cache, study_cache
from lambda_core.analysis import default_condition
from lambda_core.selection import SelectionSettings
from lambda_core.studies import DatasetRecord, Study


def show(study: Study, settings: SelectionSettings, candidates: int) -> None:
    """candidates: how many were looked at, the full pattern not counted."""
    left, right = st.columns(2)
    left.table(_conditions(study, settings, candidates), border="horizontal")
    with right:
        st.markdown("**Commands that made this study**")
        st.code("\n".join(study.metadata.commands) or "not recorded", language="bash", wrap_lines=True)
        st.markdown(_RULES)
        if reach := selection_cache.reach(study, settings):
            st.markdown("**For whom the choice holds, on test classes**")
            st.table(reach, border="horizontal")


_RULES = (
    "Every pattern sees the same episodes, so each candidate is compared with the full pattern episode by episode. "
    "Each has an upper bound, “loses at most so many points”; all hold at once with the asked confidence, however "
    "often the threshold is moved or episodes are added. *Pass*: the bound is within the threshold. *Fail*: the lower "
    "bound is above it. *Undecided*: neither. Patterns are chosen on validation classes; what test classes say of the "
    "choice is corrected for all choices that some threshold would give. The confidence is for new episodes of these "
    "classes with this model: not for new classes, nor for a new training; and nothing is corrected for other studies "
    "that look at the same test classes."
)


def _conditions(study: Study, settings: SelectionSettings, candidates: int) -> dict[str, str]:
    metadata, sweep, clock = study.metadata, study.sweep_config, study.timing_config
    val, test = (study.split(name)["episode"].nunique() for name in ("val", "test"))
    config, condition = study.config, settings.condition or default_condition(study)
    pretraining = f"{config.pretrain_epochs} passes of ordinary classification" if config.pretrain_epochs else "none"
    return {
        "Candidates": f"{candidates}; each verdict is corrected for having looked at all",
        "Reference": f"full pattern, {study.reference_steps} steps, step size {config.lr:g}",
        "Episodes": f"{val} on validation classes, {test} on test classes, seed {sweep.seed if sweep else '?'}",
        "Queries a class": str(sweep.queries if sweep else "?"),
        "Query statistics": (sweep or config).query_statistics,
        "Timed on": study_cache.describe_condition(condition),
        "Timed rounds": f"{clock.repeats if clock else '?'}, interleaved in random order; medians and quartiles",
        "Processor": metadata.environment.processor or "?",
        "PyTorch": metadata.environment.torch or "?",
        "Trained on": _data(metadata.dataset, config.dataset),
        "Measured on": _data(metadata.measured_on, study.dataset),
        "Pretraining": pretraining,
        "Meta-training": f"{config.iterations} iterations of {config.meta_batch} episodes, pattern {config.pattern}",
        "Made": metadata.created,
    }


def _data(record: DatasetRecord, name: str) -> str:
    swapped = ", dark and light swapped" if record.inverted else ""
    return f"{name}, fingerprint {(record.fingerprint or '?')[:12]}{swapped}"
