"""Selection: statistics against scipy, choices against known truths, and no silent answer to a bad question."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lambda_core.errors import SelectionError
from lambda_core.formatting import number, percent, points, times
from lambda_core.patterns.describe import describe_pattern
from lambda_core.selection.candidates import episode_matrix
from lambda_core.selection.choice import Choice, Confirmation, confirm
from lambda_core.selection.comparison import budget_curve, candidate_table, compare_candidates, select_pattern
from lambda_core.selection.costs import TimingCondition, rows_under, timing_conditions
from lambda_core.selection.improvements import best_gain_at, better_than_full
from lambda_core.selection.paired_tests import PairedDifference, half_width_of_mean, holm
from lambda_core.selection.pareto import pareto_front
from lambda_core.selection.sentences import describe_loss, sentence
from lambda_core.selection.verdicts import fastest
from lambda_core.studies.study import Study
from tests.support.synthetic import LAYERS, Truth, write_study

rng = np.random.default_rng(0)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    root = tmp_path_factory.mktemp("select")
    return Study.load(write_study(root, "small", episodes=300, max_steps=6, repeats=7, filters=4, iterations=500))


@pytest.fixture(scope="module")
def val(study: Study) -> pd.DataFrame:
    return study.accuracy[study.accuracy["split"] == "val"]


@pytest.fixture(scope="module")
def unseen(study: Study) -> pd.DataFrame:
    return study.accuracy[study.accuracy["split"] == "test"]


def accuracies(**values: list[float]) -> pd.DataFrame:
    """A tiny accuracy table of patterns over two layers at one step: accuracies(p11=[...], p01=[...])."""
    rows = [
        {"split": "val", "pattern": name[1:], "steps": int("1" in name[1:]), "lr": 0.1, "episode": i, "accuracy": v}
        for name, each in values.items()
        for i, v in enumerate(each)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(loss=1.0)


def times_of(**values: list[float]) -> pd.DataFrame:
    rows = [
        {"pattern": name[1:], "steps": 1, "repeat": i, "device": "cpu", "threads": 1, "milliseconds": v,
         "multiply_adds": int(10 * min(each))}
        for name, each in values.items()
        for i, v in enumerate(each)
    ]  # fmt: skip
    return pd.DataFrame(rows)


# --- the statistics ------------------------------------------------------------------------------------------------


def test_matrix_holds_every_episode_once_in_any_order() -> None:
    frame = accuracies(p11=[0.5, 0.6, 0.7], p01=[0.4, 0.5, 0.6])
    shuffled = frame.sample(frac=1, random_state=3)
    candidates, matrix = episode_matrix(shuffled)
    order = shuffled["episode"].unique()
    row = candidates["pattern"].tolist().index("01")
    assert matrix[row].tolist() == [[0.4, 0.5, 0.6][episode] for episode in order]


@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0, 2.0])
def test_p_values_are_those_of_a_paired_t_test(val: pd.DataFrame, threshold: float) -> None:
    candidates, matrix = episode_matrix(val)
    row = candidates.index[(candidates["pattern"] == "11111") & (candidates["steps"] == 5)].item()
    paired = PairedDifference.of(100 * (matrix[row] - matrix))
    for other in range(0, len(matrix), 17):
        if other == row:
            continue
        better = stats.ttest_rel(100 * matrix[other] + threshold, 100 * matrix[row], alternative="greater")
        assert paired.p_at_most(threshold)[other] == pytest.approx(better.pvalue, rel=1e-9, abs=1e-300)
        worse = stats.ttest_rel(100 * matrix[other] + threshold, 100 * matrix[row], alternative="less")
        assert paired.p_above(threshold)[other] == pytest.approx(worse.pvalue, rel=1e-9, abs=1e-300)
        low, high = stats.ttest_rel(100 * matrix[row], 100 * matrix[other]).confidence_interval(0.9)
        half = paired.half_width(0.9)[other]
        assert (paired.mean[other] - half, paired.mean[other] + half) == pytest.approx((low, high))


def test_interval_of_a_mean_is_the_t_interval() -> None:
    values = rng.normal(0.5, 0.1, (3, 40))
    expected = [stats.t.interval(0.95, 39, row.mean(), stats.sem(row)) for row in values]
    assert half_width_of_mean(values) == pytest.approx([(high - low) / 2 for low, high in expected])


@pytest.mark.parametrize("value", [0.0, 1 / 3, 7.3])
def test_differences_that_never_vary_are_decided_exactly(value: float) -> None:
    paired = PairedDifference.of(np.full((1, 17), value))
    assert (paired.mean.item(), paired.error.item(), paired.half_width(0.95).item()) == (value, 0, 0)
    assert (paired.p_at_most(value).item(), paired.p_above(value).item()) == (0, 1)
    assert (paired.p_at_most(value - 0.1).item(), paired.p_above(value - 0.1).item()) == (1, 0)


def test_holm_on_the_textbook_example() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]


def test_holm_stays_between_the_plain_and_the_bonferroni_values() -> None:
    p = rng.uniform(0, 0.1, 50)
    assert (holm(p) >= p).all()
    assert (holm(p) <= np.minimum(1, 50 * p) + 1e-15).all()
    assert (np.diff(holm(p)[np.argsort(p)]) >= 0).all()


# --- the table and the choice --------------------------------------------------------------------------------------


def test_table_has_a_row_a_candidate_and_an_exact_reference(study: Study, val: pd.DataFrame) -> None:
    table = candidate_table(val, study.timing, 5, 1.0)
    assert len(table) == 1 + 31 * 6
    reference = table[table["reference"]].iloc[0]
    assert (reference["pattern"], reference["steps"], reference["lr"]) == ("11111", 5, 0.05)
    assert (reference["degradation"], reference["verdict"], reference["speed_up"]) == (0, "pass", 1)
    assert not table.isna().any().any()
    assert (table["degradation_low"] <= table["degradation"]).all()
    assert table["accuracy_low"].min() >= 0
    assert set(table["verdict"]) == {"pass", "fail", "undecided"}


def test_degradation_is_paired_and_in_points(study: Study, val: pd.DataFrame) -> None:
    table = candidate_table(val, study.timing, 5, 1.0).set_index(["pattern", "steps"])
    wide = val.pivot_table(index="episode", columns=["pattern", "steps"], values="accuracy", observed=True)
    expected = 100 * (wide[("11111", 5)] - wide[("00001", 2)]).mean()
    assert table.loc[("00001", 2), "degradation"] == pytest.approx(expected, abs=1e-4)


def test_verdicts_do_not_contradict_their_interval(study: Study, val: pd.DataFrame) -> None:
    table = candidate_table(val, study.timing, 5, 1.0)
    assert (table.loc[table["verdict"] == "pass", "degradation_high"] < 1.5).all()
    assert (table.loc[table["verdict"] == "pass", "degradation"] <= 1).all()
    assert (table.loc[table["verdict"] == "fail", "degradation"] > 1).all()


def test_patterns_without_the_head_fail_and_the_head_alone_is_chosen(study: Study, val: pd.DataFrame) -> None:
    choice = select_pattern(val, study.timing, 5, 2.0)
    assert choice.pattern == "00001"
    assert choice.speed_up > 8
    assert choice.degradation < 2
    assert choice.candidates == len(choice.verdicts) - 1
    verdicts = choice.verdicts.set_index("pattern")["verdict"]
    assert (verdicts[[not p.endswith("1") for p in verdicts.index]] == "fail").all()


def test_choice_is_the_fastest_that_passes(study: Study, val: pd.DataFrame) -> None:
    choice = select_pattern(val, study.timing, 5, 1.5, axis="multiply_adds")
    passing = choice.verdicts[choice.verdicts["verdict"] == "pass"]
    assert choice.multiply_adds == passing["multiply_adds"].min()
    assert choice.speed_up == pytest.approx(passing["speed_up"].max())


def test_nothing_faster_gives_the_reference(study: Study, val: pd.DataFrame) -> None:
    choice = select_pattern(val, study.timing, 5, 0.0, confidence=0.999)
    assert choice.is_reference
    assert (choice.pattern, choice.steps, choice.speed_up) == ("11111", 5, 1.0)
    assert sentence(choice, None, LAYERS).startswith(
        "Keep the full pattern for 5 steps: nothing faster is shown to lose"
    )


def test_no_adaptation_is_chosen_where_nothing_is_lost() -> None:
    table = accuracies(p11=[0.5, 0.6, 0.7, 0.5], p00=[0.6, 0.6, 0.7, 0.5])
    choice = select_pattern(table, times_of(p11=[10, 11, 12]), 1, 100.0)
    assert (choice.pattern, choice.steps, choice.milliseconds) == ("00", 0, 0)
    assert math.isinf(choice.speed_up)
    assert json.loads(json.dumps(choice.as_dict(), allow_nan=False))["speed_up"] is None
    assert sentence(choice, None, ["body", "head"]).startswith(
        "Do not adapt at all: nothing is spent, 2.5 points higher"
    )


def test_identical_accuracies_pass_at_threshold_zero() -> None:
    same = [0.5, 0.6, 0.7, 0.4]
    choice = select_pattern(accuracies(p11=same, p01=same), times_of(p11=[10, 11], p01=[2, 3]), 1, 0.0)
    assert (choice.pattern, choice.degradation, choice.degradation_high) == ("01", 0, 0)


@pytest.mark.parametrize(
    ("slower", "winner"),
    [([2.4, 2.5, 2.6], "10"), ([2.0, 3.0, 4.0], "10"), ([3.4, 3.5, 3.6], "01")],
    ids=["within the spread", "noisy", "apart"],
)
def test_times_within_their_spread_tie_and_go_to_the_more_accurate(slower: list[float], winner: str) -> None:
    table = accuracies(p11=[0.5, 0.6, 0.7, 0.6], p01=[0.5, 0.6, 0.7, 0.6], p10=[0.6, 0.7, 0.8, 0.7])
    timing = times_of(p11=[30, 31, 32], p01=[1.0, 2.0, 3.0], p10=slower)
    assert select_pattern(table, timing, 1, 1.0).pattern == winner


def test_a_tie_never_makes_it_slower_than_the_reference() -> None:
    cost, spread = np.array([10.0, 10.5]), np.array([4.0, 4.0])
    assert fastest(np.array([True, True]), cost, spread, accuracy=np.array([0.5, 0.6]), reference=0) == 0


def test_budget_curve_only_rises(study: Study, val: pd.DataFrame) -> None:
    comparison = compare_candidates(val, study.timing, 5, axis="multiply_adds")
    curve = budget_curve(comparison, np.arange(0, 5.1, 0.25))
    assert curve.columns.tolist() == ["threshold", "speed_up", "pattern", "steps", "lr", "accuracy"]
    assert (curve["speed_up"].diff().dropna() >= 0).all()
    assert curve["speed_up"].iloc[-1] > curve["speed_up"].iloc[0]


def test_evidence_answers_as_the_one_shot_functions(study: Study, val: pd.DataFrame) -> None:
    comparison = compare_candidates(val, study.timing, 5)
    pd.testing.assert_frame_equal(comparison.table(0.7, 0.9), candidate_table(val, study.timing, 5, 0.7, 0.9))
    assert comparison.choose(0.7, 0.9).as_dict() == select_pattern(val, study.timing, 5, 0.7, 0.9).as_dict()


def test_a_higher_confidence_never_passes_more(study: Study, val: pd.DataFrame) -> None:
    comparison = compare_candidates(val, study.timing, 5)
    passes = [(comparison.table(1.0, confidence)["verdict"] == "pass").sum() for confidence in (0.8, 0.95, 0.999)]
    assert passes == sorted(passes, reverse=True)


# --- confirmation --------------------------------------------------------------------------------------------------


def test_confirmation_is_one_uncorrected_look(study: Study, val: pd.DataFrame, unseen: pd.DataFrame) -> None:
    choice = select_pattern(val, study.timing, 5, 2.0)
    found = confirm(choice, unseen)
    wide = unseen.pivot_table(index="episode", columns=["pattern", "steps"], values="accuracy", observed=True)
    chosen, full = wide[(choice.pattern, choice.steps)], wide[("11111", 5)]
    p = stats.ttest_rel(100 * chosen + 2.0, 100 * full, alternative="greater").pvalue
    assert (found.verdict == "pass") == (p <= 0.05)
    assert found.degradation == pytest.approx(100 * (full - chosen).mean(), abs=1e-4)
    assert found.episodes == 300


@pytest.mark.parametrize(("loss", "verdict"), [(0.0, "pass"), (0.2, "fail"), (0.01, "undecided")])
def test_confirmation_has_three_outcomes(loss: float, verdict: str) -> None:
    full = [0.5, 0.6, 0.7, 0.6, 0.5, 0.7]
    shaken = [f - loss + d for f, d in zip(full, [0.02, -0.02, 0.01, -0.01, 0.005, -0.005], strict=True)]
    choice = select_pattern(accuracies(p11=full, p01=full), times_of(p11=[9, 9], p01=[1, 1]), 1, 1.0)
    settled = confirm(choice, accuracies(p11=full, p01=full if loss == 0 else shaken))
    assert settled.verdict == verdict


def test_confirmation_of_the_reference_itself(study: Study, val: pd.DataFrame, unseen: pd.DataFrame) -> None:
    choice = select_pattern(val, study.timing, 5, 0.0, confidence=0.999)
    assert confirm(choice, unseen).verdict == "pass"
    assert confirm(choice, unseen).degradation == 0


def test_confirmation_needs_the_candidate(study: Study, val: pd.DataFrame, unseen: pd.DataFrame) -> None:
    choice = select_pattern(val, study.timing, 5, 2.0)
    with pytest.raises(SelectionError, match=f"has no pattern {choice.pattern} at {choice.steps} steps"):
        confirm(choice, unseen[unseen["pattern"] != choice.pattern])


# --- step sizes ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scaled(tmp_path_factory: pytest.TempPathFactory) -> Study:
    root = tmp_path_factory.mktemp("scaled")
    folder = write_study(root, "a", episodes=40, max_steps=2, filters=4, steps=2, lr_scales=(0.5, 1.0, 2.0))
    return Study.load(folder)


def test_other_step_sizes_are_looked_at_only_if_asked(scaled: Study) -> None:
    frame = scaled.accuracy[scaled.accuracy["split"] == "val"]
    own, every = (compare_candidates(frame, scaled.timing, 2, any_lr=any_lr).table(1.0) for any_lr in (False, True))
    assert own["lr"].unique().tolist() == [0.05]
    assert sorted(every["lr"].unique()) == [0.025, 0.05, 0.1]
    assert len(every) == 1 + 3 * 31 * 2
    assert every.loc[every["reference"], "lr"].item() == 0.05


def test_several_step_sizes_need_to_know_the_own_one(scaled: Study) -> None:
    frame = scaled.accuracy[(scaled.accuracy["split"] == "val") & (scaled.accuracy["steps"] > 0)]
    with pytest.raises(SelectionError, match="several step sizes"):
        compare_candidates(frame, scaled.timing, 2)
    assert compare_candidates(frame, scaled.timing, 2, lr=0.1).candidates["lr"].unique().tolist() == [0.1]


# --- better than full ----------------------------------------------------------------------------------------------


def test_a_pattern_truly_better_than_full_is_found(tmp_path: Path) -> None:
    truth = Truth(loss=(-0.02, 0.03, 0.03, 0.03, 0.0))  # freezing conv1 helps by two points
    study = Study.load(write_study(tmp_path, "a", episodes=300, max_steps=2, filters=4, steps=2, truth=truth))
    val, test = (study.accuracy[study.accuracy["split"] == split] for split in ("val", "test"))
    table = better_than_full(val)
    assert table.loc[table["better"], "pattern"].unique().tolist() == ["01111"]
    assert (table["pattern"] != "11111").all()
    found = best_gain_at(val, test)
    assert (found.pattern, found.steps, found.better) == ("01111", 1, True)
    assert found.gain_low < 2 * (1 - 0.18) < found.gain_high + 1
    assert found.gain == pytest.approx(100 * (found.accuracy - found.full_accuracy))


def test_superiority_is_a_paired_test_corrected_over_all(val: pd.DataFrame) -> None:
    table = better_than_full(val, steps=[1, 3])
    assert sorted(table["steps"].unique()) == [1, 3]
    assert len(table) == 2 * 30
    assert table["p_adjusted"].to_numpy() == pytest.approx(holm(table["p_value"].to_numpy()))
    wide = val.pivot_table(index="episode", columns=["pattern", "steps"], values="accuracy", observed=True)
    row = table.iloc[4]
    against = stats.ttest_rel(
        wide[(row["pattern"], row["steps"])], wide[("11111", row["steps"])], alternative="greater"
    )
    assert row["p_value"] == pytest.approx(against.pvalue, rel=1e-4)


def test_one_step_reports_the_other_split(val: pd.DataFrame, unseen: pd.DataFrame) -> None:
    found = best_gain_at(val, unseen)
    full = unseen[(unseen["pattern"] == "11111") & (unseen["steps"] == 1)]["accuracy"]
    assert found.full_accuracy == pytest.approx(full.mean(), abs=1e-6)
    assert found.full_accuracy_low < found.full_accuracy < found.full_accuracy_high
    assert found.gain_low < found.gain < found.gain_high


# --- the front -----------------------------------------------------------------------------------------------------


def beaten(points: np.ndarray, row: int) -> bool:
    time, accuracy = points[row]
    return any(t <= time and a >= accuracy and (t < time or a > accuracy) for t, a in points)


@pytest.mark.parametrize("seed", range(20))
def test_front_against_brute_force_with_ties_and_infinities(seed: int) -> None:
    random = np.random.default_rng(seed)
    points = random.integers(0, 6, (25, 2)).astype(float)
    points[random.integers(0, 25, 2), 0] = np.inf
    points[random.integers(0, 25, 2), 1] = [np.inf, -np.inf]
    mask = pareto_front(pd.DataFrame(points, columns=["milliseconds", "accuracy"]))
    assert mask.tolist() == [not beaten(points, row) for row in range(25)]


def test_front_leaves_out_nan() -> None:
    table = pd.DataFrame({"milliseconds": [1.0, np.nan, 2.0], "accuracy": [0.5, 0.9, np.nan]})
    assert pareto_front(table).tolist() == [True, False, False]


def test_front_of_nothing() -> None:
    assert pareto_front(pd.DataFrame({"milliseconds": [], "accuracy": []})).tolist() == []


def test_front_over_another_cost() -> None:
    table = pd.DataFrame({"milliseconds": [1, 2], "multiply_adds": [2, 1], "accuracy": [0.5, 0.5]})
    assert pareto_front(table).tolist() == [True, False]
    assert pareto_front(table, cost="multiply_adds").tolist() == [False, True]


# --- conditions of the times ---------------------------------------------------------------------------------------


def test_mixed_conditions_are_refused_and_can_be_told_apart(study: Study, val: pd.DataFrame) -> None:
    mixed = pd.concat([study.timing, study.timing.head(500).assign(device="cuda")])
    with pytest.raises(SelectionError, match=r"mixes 2 conditions \(device cpu, threads 1; device cuda, threads 1\)"):
        select_pattern(val, mixed, 5, 1.0)
    conditions = timing_conditions(mixed)
    assert conditions == [TimingCondition("cpu", 1), TimingCondition("cuda", 1)]
    assert len(rows_under(mixed, conditions[0])) == len(study.timing)
    select_pattern(val, rows_under(mixed, conditions[0]), 5, 1.0)


def test_two_versions_of_torch_are_two_conditions(study: Study, val: pd.DataFrame) -> None:
    half = len(study.timing) // 2
    versions = ["2.14.1"] * half + ["2.13.0"] * (len(study.timing) - half)
    with pytest.raises(SelectionError, match=r"torch 2\.13\.0"):
        select_pattern(val, study.timing.assign(torch=versions), 5, 1.0)


# --- bad input -----------------------------------------------------------------------------------------------------

Change = Callable[[pd.DataFrame], pd.DataFrame]


def set_cell(column: str, value: Any) -> Change:
    return lambda frame: frame.assign(**{column: frame[column].where(np.arange(len(frame)) != 7, value)})


BAD_ACCURACY: dict[str, tuple[Change, str]] = {
    "NaN": (set_cell("accuracy", np.nan), "an accuracy is NaN or infinite"),
    "lost episode": (lambda f: f.drop(index=f.index[7]), "lacks an episode that others have; all need the same"),
    "doubled episode": (lambda f: pd.concat([f, f.head(1)]), "has an episode twice"),
    "one episode": (lambda f: f[f["episode"] == 0], "one episode shows no spread; at least 2 are needed"),
    "empty": (lambda f: f.head(0), "no rows for this split"),
    "both splits": (lambda f: pd.concat([f, f.assign(split="test")]), "mixes the splits test, val"),
    "no reference": (lambda f: f[f["pattern"] != "11111"], "has no pattern 11111 at 5 steps with step size 0.05"),
    "missing step size": (set_cell("lr", np.nan), "a pattern, step count or step size is missing"),
}


@pytest.mark.parametrize("fault", BAD_ACCURACY)
def test_bad_accuracies(study: Study, val: pd.DataFrame, fault: str) -> None:
    change, message = BAD_ACCURACY[fault]
    with pytest.raises(SelectionError, match=message):
        select_pattern(change(val), study.timing, 5, 1.0)


BAD_TIMING: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame | None], str]] = {
    "none": (lambda _: None, "no timing yet; lambda-core time makes it"),
    "empty": (lambda f: f.head(0), "no timing yet"),
    "untimed": (lambda f: f[f["pattern"] != "00111"], "pattern 00111 at 1 steps was not timed"),
    "NaN": (set_cell("milliseconds", np.nan), "negative or no number"),
    "negative": (set_cell("milliseconds", -1.0), "negative or no number"),
    "two thread counts": (set_cell("threads", 2), "mixes 2 conditions"),
}


@pytest.mark.parametrize("fault", BAD_TIMING)
def test_bad_times(study: Study, val: pd.DataFrame, fault: str) -> None:
    change, message = BAD_TIMING[fault]
    with pytest.raises(SelectionError, match=message):
        select_pattern(val, change(study.timing), 5, 1.0)


@pytest.mark.parametrize("threshold", [-0.1, 100.1, math.nan, math.inf, "1", None, True])
def test_bad_thresholds(study: Study, val: pd.DataFrame, threshold: Any) -> None:
    with pytest.raises(SelectionError, match="the threshold must lie between 0 and 100 points, not"):
        select_pattern(val, study.timing, 5, threshold)


@pytest.mark.parametrize("confidence", [0.5, 1.0, 0.0, 95, math.nan, "0.95", None])
def test_bad_confidences(study: Study, val: pd.DataFrame, confidence: Any) -> None:
    with pytest.raises(SelectionError, match="the confidence must lie between"):
        select_pattern(val, study.timing, 5, 1.0, confidence)
    with pytest.raises(SelectionError, match="the confidence must lie between"):
        better_than_full(val, confidence)


def test_bad_axis(study: Study, val: pd.DataFrame) -> None:
    with pytest.raises(SelectionError, match="milliseconds or multiply_adds, not 'joules'"):
        select_pattern(val, study.timing, 5, 1.0, axis="joules")  # type: ignore[arg-type]


def test_better_than_full_needs_a_rival(val: pd.DataFrame) -> None:
    with pytest.raises(SelectionError, match="no other pattern was measured"):
        better_than_full(val[val["pattern"] == "11111"])


# --- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("00001", "only the head"),
        ("00010", "only conv4"),
        ("11111", "all layers"),
        ("11110", "all layers but the head"),
        ("01111", "all layers but conv1"),
        ("00111", "conv3, conv4 and head"),
        ("00011", "conv4 and head"),
        ("00000", "nothing"),
        ("11111/00001", "all layers first, then only the head"),
        ("11111/00011/00001", "all layers first, then conv4 and head, then only the head"),
    ],
)
def test_patterns_in_words(pattern: str, words: str) -> None:
    assert describe_pattern(pattern, LAYERS) == words


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.5, 0.1, 0.9), "0.5 points lower (95 %: 0.1 … 0.9)"),
        ((1.0, -0.2, 2.2), "1 point lower (95 %: −0.2 … 2.2)"),
        ((-0.6, -1.0, -0.2), "0.6 points higher (95 %: 0.2 … 1.0)"),
        ((0.04, -0.3, 0.4), "equally accurate (95 %: −0.3 … 0.4)"),
        ((-0.04, -0.4, 0.3), "equally accurate (95 %: −0.3 … 0.4)"),
    ],
)
def test_losses_in_words(values: tuple[float, float, float], words: str) -> None:
    assert describe_loss(*values, 0.95) == words


def test_numbers_in_words() -> None:
    assert [number(v) for v in (-0.04, 0.05, -1.25)] == ["0.0", "0.1", "−1.2"]
    assert [points(v) for v in (1, 1.04, 2, 0.5)] == ["1 point", "1 point", "2 points", "0.5 points"]
    assert [percent(v) for v in (0.95, 0.995)] == ["95 %", "99.5 %"]
    speeds = [times(v) for v in (1, 2.978, 9.996, 14.24, 150.2, math.inf)]
    assert speeds == ["1.00×", "2.98×", "10.0×", "14.2×", "150×", "∞×"]


def a_choice(**changes: Any) -> Choice:
    values: dict[str, Any] = {
        "pattern": "00001", "steps": 3, "lr": 0.05, "speed_up": 14.2, "degradation": 0.5, "degradation_low": 0.1,
        "degradation_high": 0.9, "accuracy": 0.53, "milliseconds": 2.0, "multiply_adds": 10, "threshold": 1.0,
        "confidence": 0.95, "reference_steps": 5, "reference_lr": 0.05, "episodes": 600, "candidates": 310,
        "axis": "milliseconds", "verdicts": pd.DataFrame(),
    }  # fmt: skip
    return Choice(**values | changes)


def a_confirmation(verdict: Any) -> Confirmation:
    return Confirmation(verdict, 0.8, 0.3, 1.3, 0.52, 0.53, 600)


@pytest.mark.parametrize(
    ("choice", "verdict", "words"),
    [
        ({}, None, "Update only the head for 3 steps: 14.2× faster, 0.5 points lower (95 %: 0.1 … 0.9)."),
        ({"steps": 1}, None, "Update only the head for 1 step: 14.2× faster, 0.5 points lower (95 %: 0.1 … 0.9)."),
        (
            {"pattern": "11111/00001", "axis": "multiply_adds"},
            "pass",
            "Update all layers first, then only the head, for 3 steps: 14.2× fewer multiply-adds, "
            "0.5 points lower (95 %: 0.1 … 0.9), confirmed on unseen classes.",
        ),
        (
            {"pattern": "11111/00001", "steps": 1, "lr": 0.1},
            "fail",
            "Update all layers for 1 step with a step size of 0.1: 14.2× faster, 0.5 points lower (95 %: 0.1 … 0.9), "
            "but not confirmed: on unseen classes it loses more than allowed (0.8, 0.3 … 1.3).",
        ),
        (
            {},
            "undecided",
            "Update only the head for 3 steps: 14.2× faster, 0.5 points lower (95 %: 0.1 … 0.9), "
            "neither confirmed nor refuted on unseen classes (0.8, 0.3 … 1.3).",
        ),
        (
            {"pattern": "11111", "steps": 5},
            "pass",
            "Keep the full pattern for 5 steps: nothing faster is shown to lose at most 1 point with 95 % confidence.",
        ),
    ],
)
def test_sentences(choice: dict[str, Any], verdict: str | None, words: str) -> None:
    assert sentence(a_choice(**choice), None if verdict is None else a_confirmation(verdict), LAYERS) == words
