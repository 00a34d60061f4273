"""What a study's numbers must not be taken for, in a sentence beside them."""

from __future__ import annotations

from lambda_core.studies import Study


def caveat(study: Study) -> str:
    """For a study whose training did not adapt all layers, with what its losses and gains are over; else empty."""
    if study.ends_with_all_layers:
        return ""
    return (
        f"Trained with {study.config.pattern.upper()} alone: adapting all layers was never learned here, "
        "so that it is a weak reference."
    )
