"""Shared work gives the numbers of separate adaptations, for less; a stopped sweep ends as an unbroken one."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lambda_core.adaptation.adapting import adapt
from lambda_core.adaptation.query_statistics import query_logits
from lambda_core.backbones.backbone import Backbone
from lambda_core.backbones.multiply_adds import layer_costs
from lambda_core.backbones.networks import conv4
from lambda_core.config import SweepConfig, TimingConfig
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.errors import StudyError
from lambda_core.measurement.accuracy import sweep
from lambda_core.measurement.compiled_episode import CompiledEpisode
from lambda_core.measurement.resumable_sweep import sweep_in_chunks
from lambda_core.measurement.shared_episode import SharedEpisode
from lambda_core.measurement.sweep_chunks import Chunk
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.patterns.plan import count_cost
from lambda_core.studies.study import Study
from lambda_core.workflows.measure import sweep_study, time_study
from lambda_core.workflows.train import train_study
from tests.support.oracle import Calls
from tests.support.tiny import tiny_dataset, write_tiny
from tests.training.test_meta_trainer import TINY

pytestmark = pytest.mark.slow

SWEEP = SweepConfig(episodes=12, queries=4, max_steps=2)


@pytest.fixture
def study(tmp_path, root):
    return train_study(TINY.but(iterations=2), tmp_path / "tiny-study", root=root)


def test_shared_work_gives_the_numbers_of_separate_adaptations():
    torch.manual_seed(0)
    model = conv4(3, 4, 1, 16)
    bank = EpisodeBank(tiny_dataset(), "val", 3, 1, 4, seed=0)
    frame = sweep(model, bank, [2], LambdaPattern.enumerate(5), max_steps=3, lr=0.1).set_index(["pattern", "steps"])
    assert len(frame) == 31 * 3 + 1
    for pattern in LambdaPattern.enumerate(5):
        for steps in (1, 2, 3) if pattern.updates_anything else (0,):
            adapted = adapt(model, bank[2].support_x, bank[2].support_y, pattern, steps, 0.1).model
            output = adapted(bank[2].query_x)
            row = frame.loc[(str(pattern), steps)]
            assert row["loss"] == pytest.approx(F.cross_entropy(output, bank[2].query_y).item(), rel=1e-4)
            assert row["accuracy"] == pytest.approx((output.argmax(1) == bank[2].query_y).float().mean().item())


def test_support_statistics_are_used_where_asked_for():
    model, bank = conv4(3, 4, 1, 16), EpisodeBank(tiny_dataset(), "val", 3, 1, 4, seed=0)
    patterns = [LambdaPattern.parse("00011", 5)]
    frame = sweep(model, bank, [0], patterns, 2, 0.1, query_statistics="support").set_index(["pattern", "steps"])
    episode, backbone = bank[0], Backbone.of(model)
    for steps in (1, 2):
        weights = adapt(model, episode.support_x, episode.support_y, patterns[0], steps, 0.1).weights
        output = query_logits(backbone, weights, episode.support_x, episode.query_x, "support")
        assert frame.loc[("00011", steps), "loss"] == pytest.approx(
            F.cross_entropy(output, episode.query_y).item(), rel=1e-4
        )


def test_step_by_layer_patterns_share_too():
    model = conv4(3, 4, 1, 16)
    bank = EpisodeBank(tiny_dataset(), "val", 3, 1, 4, seed=0)
    pattern = LambdaPattern.parse("00011/01000/00001", 5)
    scores = SharedEpisode(Backbone.of(model), bank[0], 0.1).trajectory(pattern, 3)
    for steps in (1, 2, 3):
        adapted = adapt(model, bank[0].support_x, bank[0].support_y, pattern, steps, 0.1).model
        assert scores[steps - 1, 1] == pytest.approx(
            F.cross_entropy(adapted(bank[0].query_x), bank[0].query_y).item(), rel=1e-4
        )


def test_sharing_saves_most_of_the_multiply_adds(monkeypatch):
    """Of adapting each pattern to each step count by itself four fifths; with the scoring of the queries, which only
    patterns with frozen first layers can share, two thirds here.
    """
    model = conv4(3, 8, 3, 16)
    bank = EpisodeBank(tiny_dataset(channels=3), "val", 3, 1, 4, seed=0)
    patterns = LambdaPattern.enumerate(5)
    costs, score = layer_costs(model, bank[0].support_x), sum(layer_costs(model, bank[0].query_x))
    counts = [(count_cost(pattern, steps, costs)) for pattern in patterns[1:] for steps in range(1, 11)]
    with Calls() as whole:
        sweep(model, bank, [0], patterns, max_steps=10, lr=0.1)
    assert whole.multiply_adds < (sum(counts) + len(counts) * score) / 3
    monkeypatch.setattr(CompiledEpisode, "_score", lambda *_: torch.zeros(2))
    with Calls() as adaptation:
        sweep(model, bank, [0], patterns, max_steps=10, lr=0.1)
    assert adaptation.multiply_adds < sum(counts) / 5


@pytest.mark.parametrize("processes", [1, 2])
def test_a_stopped_sweep_ends_as_an_unbroken_one(study, root, processes):
    whole = sweep_in_chunks(study.folder, SWEEP, "same", root=root)
    kept = study.folder / "checkpoint" / "sweep" / "val-000010-2" / "accuracy.parquet"
    lost = study.folder / "checkpoint" / "sweep" / "test-000000" / "accuracy.parquet"
    time_of_kept = kept.stat().st_mtime_ns
    lost.unlink()
    again = sweep_in_chunks(study.folder, SWEEP, "same", root=root, processes=processes)
    assert again.equals(whole)
    assert kept.stat().st_mtime_ns == time_of_kept


def test_parts_of_another_sweep_are_not_mixed_in(study, root):
    sweep_in_chunks(study.folder, SWEEP, "same", root=root)
    with pytest.raises(StudyError, match="another sweep"):
        sweep_in_chunks(study.folder, SWEEP, "other weights", root=root)


def test_from_images_to_tables(study, root):
    swept = sweep_study(study, SWEEP, root=root, command="lambda-core sweep x")
    assert len(swept.accuracy) == 2 * 12 * (31 * 2 + 1)
    bank = EpisodeBank(tiny_dataset(), "val", 3, 1, 4, seed=SWEEP.seed)
    named = [[bank.classes[place][0] for place in places] for places in swept.classes("val")]
    assert named == [list(bank[index].class_names) for index in range(12)]
    timed = time_study(swept, TimingConfig(repeats=2), root=root, command="lambda-core time x")
    assert len(timed.timing) == 2 * (31 * 2 + 1)
    loaded = Study.load(study.folder)
    assert loaded.metadata.commands == ("lambda-core sweep x", "lambda-core time x")
    costs = loaded.timing.groupby("pattern")["multiply_adds"].max()
    assert costs["11111"] > costs["00011"] > costs["00001"] > costs["00000"] == 0


def test_times_of_a_second_machine_join_those_of_the_first(study, root, monkeypatch):
    swept = sweep_study(study, SWEEP, root=root)
    first = time_study(swept, TimingConfig(repeats=2), root=root)
    monkeypatch.setattr("lambda_core.measurement.timing.processor", lambda: "another processor")
    both = time_study(first, TimingConfig(repeats=3), root=root)
    again = time_study(both, TimingConfig(repeats=1), root=root)
    mine = first.timing["processor"].iloc[0]
    for timed, repeats in ((both, 3), (again, 1)):
        rounds = timed.timing.groupby("processor", observed=True)["repeat"].nunique()
        assert rounds.to_dict() == {mine: 2, "another processor": repeats}
    kept = again.timing[again.timing["processor"] == mine]
    assert kept["milliseconds"].tolist() == first.timing["milliseconds"].tolist()


def test_a_study_trained_on_other_data_is_refused(study, tmp_path):
    other = write_tiny(tmp_path / "other")
    images = np.load(other / "tiny" / "images.npy")
    np.save(other / "tiny" / "images.npy", 255 - images)
    with pytest.raises(StudyError, match="another version"):
        sweep_study(study, SWEEP, root=str(other))


def test_a_longer_sweep_keeps_what_a_shorter_one_made(study, root):
    short = sweep_in_chunks(study.folder, SWEEP, "same", root=root)
    kept = {path: path.stat().st_mtime_ns for path in study.folder.rglob("*-000000/accuracy.parquet")}
    longer = sweep_in_chunks(study.folder, SWEEP.but(episodes=20), "same", root=root)
    assert kept
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())
    both = longer.merge(short, on=["split", "pattern", "steps", "episode"])
    assert len(both) == len(short)
    assert (both["accuracy_x"] == both["accuracy_y"]).all()
    assert longer["episode"].nunique() == 20


def test_a_shipped_study_is_swept_for_longer_without_its_checkpoint(study, root, monkeypatch):
    whole = sweep_study(study, SWEEP.but(episodes=20), root=root).accuracy
    shutil.rmtree(study.folder / "checkpoint")
    short = sweep_study(Study.load(study.folder), SWEEP.but(episodes=10), root=root)
    shutil.rmtree(study.folder / "checkpoint")
    made, write_chunk = [], Chunk.write
    monkeypatch.setattr(Chunk, "write", lambda chunk, frame: (made.append(chunk), write_chunk(chunk, frame)))
    longer = sweep_study(short, SWEEP.but(episodes=20), root=root).accuracy
    assert longer.equals(whole)
    assert sorted((chunk.split, chunk.first) for chunk in made) == [(s, f) for s in ("test", "val") for f in (0, 10)]


def test_the_table_of_other_settings_is_not_taken_for_parts(study, root):
    swept = sweep_study(study, SWEEP, root=root)
    shutil.rmtree(study.folder / "checkpoint")
    other = sweep_study(swept, SWEEP.but(seed=5), root=root).accuracy
    assert not other.equals(swept.accuracy)
