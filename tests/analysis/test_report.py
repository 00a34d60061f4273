"""The report: the same numbers as the selection's, and outcomes that follow their stated rules."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lambda_core.analysis.claims import check_claims, claims, prespecified, skipping_alone
from lambda_core.analysis.findings import Findings, ask_study
from lambda_core.analysis.literature import literature_for
from lambda_core.analysis.report import as_markdown, report_table
from lambda_core.errors import StudyError
from lambda_core.selection import Interval, PairedDifference, TimingCondition
from lambda_core.selection.choice import confirm
from lambda_core.selection.comparison import select_pattern
from lambda_core.studies import writing as disk
from lambda_core.studies.study import Study
from tests.support.synthetic import Truth, write_study

BETTER_AT_ONCE = Truth(loss=(-0.05, 0.02, 0.02, 0.02, 0.0))  # freezing conv1 helps by 5 points


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    write_study(root, "plain", episodes=300, max_steps=6, repeats=5, filters=4, iterations=500)
    write_study(root, "gains", episodes=100, max_steps=5, repeats=5, filters=4, truth=BETTER_AT_ONCE, dataset="fc100")
    write_study(root, "bare", measured=False, filters=4)
    return root


@pytest.fixture(scope="module")
def plain(root: Path) -> Study:
    return Study.load(root / "plain")


@pytest.fixture(scope="module")
def found(plain: Study) -> Findings:
    return ask_study(plain)


def with_config(study: Study, **changes: Any) -> Study:
    metadata = replace(study.metadata, config=study.config.but(**changes))
    return replace(study, metadata=metadata)


def test_choices_are_those_of_the_selection(plain: Study, found: Findings) -> None:
    val, test = (plain.split(split) for split in ("val", "test"))
    for threshold, (choice, confirmation) in found.choices.items():
        expected = select_pattern(val, plain.timing, 5, threshold)
        assert choice.as_dict() == expected.as_dict()
        assert confirmation == confirm(expected, test)
    assert list(found.choices) == [0.5, 1.0, 2.0]


def test_full_accuracy_is_that_of_the_test_classes(plain: Study, found: Findings) -> None:
    frame: pd.DataFrame = plain.accuracy  # type: ignore[assignment]
    full = frame[(frame["split"] == "test") & (frame["pattern"] == "11111") & (frame["steps"] == 5)]["accuracy"]
    assert found.full.estimate == pytest.approx(full.mean(), abs=1e-6)
    assert found.full.half_width == pytest.approx(1.97 * full.std() / 300**0.5, rel=0.01)


def test_table_is_a_row_a_study_and_fit_for_json(root: Path) -> None:
    studies = [Study.load(root / name) for name in ("plain", "gains")]
    table = report_table(studies, thresholds=(0.5, 2))
    assert table["study"].tolist() == ["plain", "gains"]
    assert {"pattern_0.5", "speed_up_2", "confirmed_2", "one_step_gain", "better_gain", "device"} <= set(table.columns)
    first, second = json.loads(table.to_json(orient="records"))
    assert (first["literature"], second["literature"]) == (58.9, None)
    assert second["better_pattern"] == "01111"


def test_markdown_shows_every_study_with_its_conditions(root: Path) -> None:
    text = as_markdown([Study.load(root / name) for name in ("plain", "gains")])
    for words in (
        "`plain`",
        "58.9 ± 1.9",
        "within 0.5 points",
        "within 1 point",
        "transductive",
        "2.14.1",
        "none shown",
    ):
        assert words in text
    widths = [{line.count("|") for line in block.splitlines()} for block in text.split("\n\n") if block.startswith("|")]
    assert len(widths) >= 5
    assert {len(each) for each in widths} == {1}


def test_a_study_that_cannot_be_judged_becomes_a_note(root: Path) -> None:
    text = as_markdown([Study.load(root / name) for name in ("bare", "plain")])
    assert "- bare is left out: bare has no accuracies yet; make them with: lambda-core sweep" in text
    assert "`plain`" in text
    assert as_markdown([]).startswith("No study is measured yet")
    with pytest.raises(StudyError, match="bare has no accuracies yet"):
        report_table([Study.load(root / "bare")])


def test_a_regression_is_not_asked_for_a_sweep(plain: Study) -> None:
    text = as_markdown([with_config(plain, ways=1)])
    assert "plain is left out: plain is a regression" in text


def test_a_warning_of_the_study_is_told(tmp_path: Path) -> None:
    folder = write_study(tmp_path, "mixed", episodes=20, max_steps=5, repeats=3, filters=4)
    metadata, config = Study.load(folder).metadata, {"episodes": 20, "environment": {"torch": "2.13.0"}}
    disk.write_metadata(folder, metadata.with_measurement("sweep", config))
    assert "- mixed: This study was made under several versions of torch" in as_markdown([Study.load(folder)])


def test_times_of_two_devices_are_not_mixed(plain: Study) -> None:
    both = pd.concat([plain.timing, plain.timing.head(300).assign(device="cuda")])  # type: ignore[union-attr]
    machine = ("2.14.1", "a synthetic processor")
    assert ask_study(replace(plain, timing=both)).condition == TimingCondition("cpu", 1, *machine)


@pytest.mark.parametrize(
    ("config", "accuracy"),
    [
        ({}, 58.9),
        ({"shots": 5}, 71.5),
        ({"dataset": "omniglot", "ways": 20}, 95.8),
        ({"pattern": "anil"}, None),
        ({"order": "first"}, None),
        ({"dataset": "glyphs"}, None),
    ],
)
def test_literature_is_named_only_where_it_compares(
    plain: Study, config: dict[str, Any], accuracy: float | None
) -> None:
    expected = literature_for(with_config(plain, **config))
    assert (expected.accuracy if expected else None) == accuracy


def outcomes(found: Findings) -> list[str]:
    return [held.outcome for held in check_claims([found])]


def with_choice(found: Findings, speed_up: float, verdict: str) -> Findings:
    choice, confirmation = found.choices[1.0]
    speed = Interval.around(speed_up, 0.1)
    changed = (replace(choice, speed=speed), replace(confirmation, verdict=verdict))  # type: ignore[arg-type]
    return replace(found, choices=found.choices | {1.0: changed})


@pytest.mark.parametrize(
    ("speed_up", "verdict", "outcome"),
    [
        (14.0, "pass", "beaten"),
        (3.1, "pass", "reproduced"),
        (2.8, "pass", "reproduced"),
        (2.0, "pass", "not reproduced"),
        (14.0, "undecided", "not reproduced"),
        (14.0, "fail", "not reproduced"),
    ],
)
def test_outcome_of_the_claims_of_speed(found: Findings, speed_up: float, verdict: str, outcome: str) -> None:
    changed = with_choice(found, speed_up, verdict)
    assert outcomes(changed)[2] == outcome
    assert outcomes(replace(changed, own_steps=changed.choices[1.0]))[1] == outcome


def test_skipping_alone_saves_the_backward_passes_only(plain: Study) -> None:
    costs = plain.layer_costs
    assert costs is not None
    forward = sum(costs)
    assert skipping_alone(plain, "00001") == pytest.approx((3 * forward - costs[0]) / (forward + costs[-1]))
    assert skipping_alone(plain, "11111") == 1
    assert skipping_alone(replace(plain, metadata=replace(plain.metadata, layer_multiply_adds=None)), "00001") is None


def test_the_choice_at_the_studys_own_steps_has_them(found: Findings) -> None:
    choice, seen = found.own_steps
    assert choice.steps == 5
    assert choice.speed_up <= found.choices[1.0][0].speed_up
    assert seen.claims >= found.choices[1.0][1].claims


@pytest.mark.parametrize(("config", "count"), [({"pattern": "anil"}, 5), ({"steps": 1}, 2), ({}, 0)])
def test_studies_that_are_no_reference_are_excluded_with_the_reason(
    found: Findings, config: dict[str, Any], count: int
) -> None:
    held = check_claims([replace(found, study=with_config(found.study, **config))])
    excluded = [each for each in held if each.outcome == "excluded"]
    assert len(excluded) == count
    assert {each.measured for each in excluded} <= set(prespecified()["exclusions"].values())


def test_every_claim_has_a_check_and_known_exclusions() -> None:
    reasons = {reason for claim in claims() for reason in claim.excluded}
    assert reasons == set(prespecified()["exclusions"])
    assert prespecified()["experiment"]["claim"] in {claim.name for claim in claims()}


def test_one_step_gains_are_corrected_over_the_studies(root: Path) -> None:
    found = ask_study(Study.load(root / "gains"))
    assert found.one_step.better
    many = check_claims([found] * 10)
    alone = check_claims([found])
    assert many[30].measured != alone[3].measured  # a wider interval
    one, ten = found.one_step, found.one_step.among(10)
    assert ten.gain.low < one.gain.low
    assert ten.better == (ten.gain.low >= 0)
    assert not replace(one, p_value=0.01).among(10).better


@pytest.mark.parametrize(
    ("gain", "better", "outcome"),
    [(3.5, True, "reproduced"), (3.5, False, "not reproduced"), (1.0, True, "not reproduced")],
)
def test_outcome_of_the_claim_of_one_step(found: Findings, gain: float, better: bool, outcome: str) -> None:
    differences = np.array([[gain - 0.5, gain + 0.5] * 50])
    step = replace(found.one_step, paired=PairedDifference.of(differences), p_value=1e-6 if better else 0.2)
    assert outcomes(replace(found, one_step=step))[3] == outcome


def test_outcome_of_the_claim_of_selection(found: Findings) -> None:
    passing = {t: (choice, replace(each, verdict="pass")) for t, (choice, each) in found.choices.items()}
    confirmed = replace(found, choices=passing)
    assert outcomes(confirmed)[4] == "reproduced"
    assert outcomes(with_choice(confirmed, 14.0, "fail"))[4] == "not reproduced"


def test_a_substantial_gain_is_found_in_the_tables(root: Path) -> None:
    found = ask_study(Study.load(root / "gains"))
    assert found.one_step.pattern == "01111"
    assert found.one_step.gain.estimate == pytest.approx(100 * 0.05 * 0.82, abs=1.2)
    assert outcomes(found)[3] == "reproduced"
    assert found.better is not None
    assert found.better.pattern == "01111"


@pytest.mark.slow
def test_the_report_does_not_import_torch() -> None:
    code = "import sys, lambda_core.analysis.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
