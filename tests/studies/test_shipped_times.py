"""What a shipped study says of its times is what their table says."""

import pytest

from lambda_core.studies import list_studies, studies_root

TIMED = [study for study in list_studies(studies_root())[0] if study.timing is not None]


@pytest.mark.parametrize("study", TIMED, ids=lambda study: study.name)
def test_the_machine_of_the_times_is_the_one_in_the_table(study):
    config, environment = study.timing_config, study.metadata.timing.environment
    rows = study.timing[study.timing["processor"].astype(str) == environment.processor]

    assert len(rows), "study.json names a processor that no time was taken on"
    assert set(rows["threads"]) == {config.threads}
    assert set(rows["device"].astype(str)) == {config.device}
    assert {text.split("+")[0] for text in rows["torch"].astype(str)} == {environment.torch.split("+")[0]}
    assert rows["repeat"].nunique() == config.repeats
