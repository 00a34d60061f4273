"""Step × layer patterns: run as a tree with the numbers of separate adaptations, searched, judged on fresh episodes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner

from lambda_core.adaptation.adapting import adapt
from lambda_core.adaptation.query_statistics import query_logits
from lambda_core.analysis.study_race import study_entrants
from lambda_core.backbones.backbone import Backbone
from lambda_core.backbones.networks import conv4
from lambda_core.commands.main import main
from lambda_core.config import SearchConfig
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.errors import StudyError
from lambda_core.measurement.live_runner import CachedRunner, LiveRunner, PrefixTreeEpisode
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.selection.candidates import Candidate
from lambda_core.selection.pareto import pareto_front
from lambda_core.selection.pattern_search import all_rows, as_candidate, best, cost_of, search
from lambda_core.selection.racing import race
from lambda_core.selection.search_verdicts import verdicts
from lambda_core.studies.study import Study
from lambda_core.studies.tables import read_table
from lambda_core.studies.writing import write_search
from lambda_core.workflows.measure import sweep_study
from lambda_core.workflows.search import live
from lambda_core.workflows.train import train_study
from tests.measurement.test_resumable_sweep import SWEEP
from tests.support.tiny import tiny_dataset
from tests.training.test_meta_trainer import TINY

COSTS = (442, 1180, 295, 74, 1)
CONFIG = SearchConfig(episodes=8, fresh=300, beam=4)
HIDDEN = "11111/00001"


class Planted:
    """Accuracies of a known truth: every updated step helps a little; HIDDEN for three steps is the secret best."""

    def __init__(self, noise: float = 0.0) -> None:
        self.noise, self.calls = noise, 0

    def truth(self, candidate: Candidate) -> float:
        matrix = LambdaPattern.parse(candidate.pattern, 5).matrix(candidate.steps)
        learned = 0.3 + 0.01 * matrix[:, -1].sum() + 0.004 * matrix[:, :-1].sum()
        first, *rest = matrix.tolist()
        if all(first) and rest and not np.any([row[:-1] for row in rest]):
            learned += 0.1 + 0.03 * sum(row[-1] for row in rest)
        return learned

    def __call__(self, candidates, episodes):
        self.calls += 1
        found = np.array([[self.truth(candidate)] * len(episodes) for candidate in candidates]).reshape(
            len(candidates), len(episodes)
        )
        for column, episode in enumerate(episodes):
            rng = np.random.default_rng(episode)
            found[:, column] += rng.normal(0, 0.05) + self.noise * rng.normal(0, 1, len(candidates))
        return found


@pytest.fixture(scope="module")
def found():
    return search(Planted(), 3, 0.1, COSTS, CONFIG)


def test_every_row_is_tried_and_deep_backbones_get_unbroken_runs():
    assert len(all_rows(5)) == 31
    assert len(all_rows(10)) == 55
    assert (False, True, True) in all_rows(3)


def test_the_hidden_pattern_is_found(found):
    wanted = tuple(LambdaPattern.parse(HIDDEN, 5).rows_for(3))
    assert wanted in found.front()


def test_the_front_contains_or_dominates_every_per_layer_pattern(found):
    front = found.table(found.front())
    for row in all_rows(5):
        for steps in (1, 2, 3):
            rows = (row,) * steps
            cost, accuracy = cost_of(rows, COSTS), found.accuracy[rows]
            assert ((front["multiply_adds"] <= cost) & (front["accuracy"] >= accuracy)).any()


def test_few_of_all_patterns_are_run(found):
    assert found.adaptations < 0.1 * 31**3 * CONFIG.episodes


def test_a_search_is_the_same_every_time(found):
    again = search(Planted(), 3, 0.1, COSTS, CONFIG)
    assert again.accuracy == found.accuracy
    assert again.adaptations == found.adaptations


def test_a_dearer_row_or_one_more_step_never_costs_less():
    random = np.random.default_rng(0)
    rows = all_rows(5)
    for _ in range(200):
        before = tuple(rows[i] for i in random.integers(0, 31, 2))
        row = rows[random.integers(31)]
        lower = (True, *row[1:])
        assert cost_of(before, COSTS) < cost_of((*before, row), COSTS) <= cost_of((*before, lower), COSTS)


def test_best_keeps_whole_pareto_layers_first():
    table = pd.DataFrame({"rows": list("abcd"), "multiply_adds": [1, 2, 3, 4], "accuracy": [0.1, 0.3, 0.2, 0.29]})
    assert set(best(table, 2)) == {"a", "b"}
    assert set(best(table, 3)) == {"a", "b", "d"}
    assert set(best(table, 10)) == set("abcd")


def test_fresh_episodes_judge_the_front(found):
    table = verdicts(found, Planted(noise=0.01), 3, 0.1, CONFIG).set_index(["pattern", "steps"])
    hidden = table.loc[(HIDDEN, 3)]
    assert hidden["dominates"]
    assert hidden["gain_low"] > 0
    assert hidden["degradation"] < 0
    assert hidden["verdict"] == "pass"
    assert hidden["speed_up"] > 1
    rival = table.loc[tuple(int(part) if part.isdigit() and len(part) < 5 else part
                            for part in hidden["rival"].split(" × "))]  # fmt: skip
    assert rival["multiply_adds"] > hidden["multiply_adds"]
    assert rival["per_layer"]
    assert not table[table["per_layer"]]["dominates"].any()
    per_layer = table[table["per_layer"]].rename(columns={"search_accuracy": "a", "accuracy": "b"})
    assert pareto_front(per_layer.rename(columns={"a": "accuracy"}), "multiply_adds").sum() >= len(per_layer) - 1


def test_no_gain_is_not_called_dominance(found):
    class Flat(Planted):
        def truth(self, candidate):  # noqa: ARG002 (the truth is flat)
            return 0.5

    assert not verdicts(found, Flat(noise=0.02), 3, 0.1, CONFIG)["dominates"].any()


def test_the_table_is_written_whole_or_not_at_all(found, tmp_path):
    table = verdicts(found, Planted(noise=0.01), 3, 0.1, CONFIG)
    table = table.assign(split="val")
    write_search(tmp_path, table)
    read = read_table(tmp_path, "search")
    for name in table:
        assert read[name].dropna().tolist() == table[name].dropna().tolist(), name
    with pytest.raises(StudyError, match="outside 0 to 1"):
        write_search(tmp_path, table.assign(accuracy=2.0))
    pd.testing.assert_frame_equal(read_table(tmp_path, "search"), read)
    assert [path.name for path in tmp_path.iterdir()] == ["search.parquet"]
    (tmp_path / "taken" / "search.parquet").mkdir(parents=True)
    with pytest.raises(StudyError, match="cannot be written"):
        write_search(tmp_path / "taken", table)
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["search.parquet"]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return conv4(3, 4, 1, 16)


@pytest.fixture(scope="module")
def bank():
    return EpisodeBank(tiny_dataset(), "val", 3, 1, 4, seed=0)


@pytest.mark.parametrize("statistics", ["transductive", "support"])
def test_a_tree_gives_the_numbers_of_separate_adaptations(model, bank, statistics):
    random = np.random.default_rng(0)
    rows = all_rows(5)
    texts = ["/".join("".join("01"[cell] for cell in rows[i]) for i in random.integers(0, 31, 3)) for _ in range(30)]
    texts += ["00011/01000/00001", "00011/01000/11111", "00011/00001"]
    candidates = [Candidate(str(LambdaPattern.parse(text, 5)), 1 + number % 3, lr) for number, text in enumerate(texts)
            for lr in (0.1, 0.4)] + [Candidate("00000", 0, 0.1)]  # fmt: skip
    episode = bank[1]
    found = PrefixTreeEpisode(Backbone.of(model), episode, 0.1, statistics).accuracies(candidates)
    for candidate, accuracy in zip(candidates, found, strict=True):
        pattern = LambdaPattern.parse(candidate.pattern, 5)
        adapted = adapt(model, episode.support_x, episode.support_y, pattern, candidate.steps, candidate.lr)
        logits = query_logits(adapted.backbone, adapted.weights, episode.support_x, episode.query_x, statistics)
        wanted = (logits.argmax(1) == episode.query_y).float().mean().item()
        assert accuracy == pytest.approx(wanted, abs=1e-6)


def test_what_is_kept_is_not_run_again(tmp_path):
    candidates, runner = [Candidate("00001", 1, 0.1), Candidate("11111", 2, 0.1)], Planted()
    clipped = lambda candidates, episodes: np.clip(runner(candidates, episodes), 0, 1)  # noqa: E731
    whole = CachedRunner(clipped, tmp_path, "same")(candidates, range(25))
    assert whole.shape == (2, 25)
    assert runner.calls == 3
    files = sorted(tmp_path.iterdir())
    files[0].write_bytes(b"damaged")
    files[1].unlink()
    assert np.array_equal(CachedRunner(clipped, tmp_path, "same")(candidates, range(25)), whole)
    assert runner.calls == 5
    CachedRunner(clipped, tmp_path, "other weights")(candidates, range(25))
    assert runner.calls == 8


@pytest.fixture(scope="module")
def study(tmp_path_factory, root):
    folder = tmp_path_factory.mktemp("studies") / "tiny-study"
    return sweep_study(train_study(TINY.but(iterations=3), folder, root=root), SWEEP, root=root)


@pytest.mark.slow
def test_a_live_runner_sees_what_the_sweep_saw(study, root):
    val = study.accuracy[study.accuracy["split"] == "val"]
    candidates = [
        Candidate("00111", 2, study.config.lr),
        Candidate("11111", 1, study.config.lr),
        Candidate("00000", 0, study.config.lr),
    ]
    found = live(study, "val", root=root)(candidates, range(12))
    for candidate, row in zip(candidates, found, strict=True):
        here = val[(val["pattern"] == candidate.pattern) & (val["steps"] == candidate.steps)].sort_values("episode")
        assert row == pytest.approx(here["accuracy"].to_numpy(), abs=1e-6)


@pytest.mark.slow
def test_a_race_runs_live_without_times(study):
    entrants = study_entrants(study, "multiply_adds")
    runner = LiveRunner(Backbone.of(study.model()), EpisodeBank(tiny_dataset(), "val", 3, 1, 4, seed=0), 0.05)
    result = race(entrants, runner, 8, 50.0)
    assert result.exhaustive == 8 * (31 * study.config.steps + 1)
    with pytest.raises(StudyError, match="lambda-core time"):
        study_entrants(study)


@pytest.mark.slow
def test_the_search_command_writes_a_table_and_goes_on_after_a_stop(study, root, monkeypatch):
    words = ["search", str(study.folder), "--episodes", "8", "--fresh", "10", "--beam", "2", "--root", root]
    first = CliRunner().invoke(main, [*words, "--json"])
    assert first.exit_code == 0, first.output
    record = json.loads(first.stdout)
    table = Study.load(study.folder).search
    assert set(table["split"]) == {"val", "test"}
    assert record["adaptations"] > 0
    monkeypatch.setattr(LiveRunner, "__call__", lambda *_: pytest.fail("run again"))
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 0, again.output
    assert "A front of" in again.stdout
    pd.testing.assert_frame_equal(Study.load(study.folder).search, table)


def test_an_arm_is_the_canonical_text_and_the_steps():
    rows = tuple(LambdaPattern.parse("11111/00001", 5).rows_for(4))
    assert as_candidate(rows, 0.1) == Candidate("11111/00001", 4, 0.1)
