"""The choice on each study of a comparison."""

from __future__ import annotations

from dataclasses import replace

from app.shared import selection_cache
from lambda_core.selection import Choice, SelectionSettings
from lambda_core.studies import Study


def choice_on(study: Study, settings: SelectionSettings) -> Choice:
    """At the study's own step size, as another study knows no other, and under its usual timing condition."""
    return selection_cache.choose(study, replace(settings, any_lr=False))[0]
