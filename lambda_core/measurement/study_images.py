"""The images that a study is measured on."""

from __future__ import annotations

from lambda_core.episodes import Source
from lambda_core.studies import Study


def study_source(study: Study, root: str | None = None) -> Source:
    """Where the episodes of a study's numbers come from, their images as its network takes them. root: of data sets."""
    return Source(study.dataset, root, study.input, study.metadata.measured_on.inverted)
