"""A study of a network of the user's own: written in a moment, measured without their code or with it alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lambda_core.backbones import new_network
from lambda_core.config import MetaTrainConfig, SweepConfig
from lambda_core.errors import ConfigError, DataError, LambdaError, ModelError, PatternError, StudyError
from lambda_core.studies.study import Study
from lambda_core.workflows import start
from lambda_core.workflows.measure import on_dataset, sweep_study, time_study
from lambda_core.workflows.start import read_weights, start_study
from lambda_core.workflows.train import train_study
from tests.support.own_networks import was_imported, write_networks
from tests.support.tiny import tiny_dataset, write_dataset
from tests.training.test_meta_trainer import TINY

SWEEP = SweepConfig(episodes=2, queries=2, max_steps=TINY.steps)


@pytest.fixture
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The name of a module of networks, one that no other test has imported."""
    name = f"networks_{abs(hash(request.node.name))}"
    monkeypatch.syspath_prepend(str(write_networks(tmp_path, name)))
    return name


def config_of(networks: str, function: str = "small") -> MetaTrainConfig:
    return TINY.but(backbone=f"{networks}:{function}")


def test_a_network_of_known_modules_needs_no_code(networks: str, tmp_path: Path, root: str) -> None:
    made = start_study(config_of(networks), tmp_path / "mine", root=root)
    assert (made.layers, made.needs_code, made.config.query_statistics) == (("one", "head"), False, "stored")
    assert made.metadata.iterations_done == 0
    sys.modules.pop(networks)
    (tmp_path / "imported").unlink()
    model = Study.load(tmp_path / "mine").model()
    assert not was_imported(tmp_path)
    x = torch.randn(2, made.input[1], made.input[0], made.input[0])
    assert torch.equal(model(x), new_network(config_of(networks).but(query_statistics="stored"), *made.input)(x))


def test_code_is_imported_only_where_it_is_named(networks: str, tmp_path: Path, root: str) -> None:
    config = config_of(networks, "with_code").but(query_statistics="transductive")
    start_study(config, tmp_path / "mine", query_statistics="transductive", root=root)
    sys.modules.pop(networks)
    (tmp_path / "imported").unlink()
    study = Study.load(tmp_path / "mine")
    assert study.needs_code
    assert study.title.endswith("with_code")
    with pytest.raises(StudyError, match=rf"not imported from a study.*sweep .*mine --backbone {networks}:with_code"):
        sweep_study(study, SWEEP, root=root)
    assert not was_imported(tmp_path)
    swept = sweep_study(study.with_code(f"{networks}:with_code"), SWEEP, root=root)
    assert was_imported(tmp_path)
    assert swept.accuracy is not None


@pytest.mark.slow
def test_several_processes_are_told_the_code(networks: str, tmp_path: Path, root: str) -> None:
    study = start_study(config_of(networks, "with_code"), tmp_path / "mine", root=root)
    script = (
        "from lambda_core import Study; from lambda_core.config import SweepConfig\n"
        "from lambda_core.workflows import sweep_study\n"
        "if __name__ == '__main__':\n"
        f"    study = Study.load('mine').with_code('{networks}:with_code')\n"
        f"    config = SweepConfig(episodes=12, queries=2, max_steps={TINY.steps})\n"
        f"    sweep_study(study, config, root={root!r}, processes=2)"
    )
    (tmp_path / "run.py").write_text(script)
    subprocess.run([sys.executable, "run.py"], cwd=tmp_path, check=True, capture_output=True)
    assert Study.load(study.folder).accuracy is not None


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("missing", "has no function missing"),
        ("no_module", "returned no module but"),
        ("no_row", "must be an nn.Sequential of named layers, not Linear"),
        ("broken", "failed: KeyError: 'weights'"),
        ("leaves", "failed: SystemExit: 3"),
        ("seven", r"gives \(7,\) for an image, but a head for 3 ways gives \(3,\)"),
        ("pictures", r"gives \(3, 14, 14\) for an image"),
        ("other_size", r"fails on images of 1×16×16: RuntimeError: mat1 and mat2 shapes"),
        ("halved", r"fails on images of 1×16×16: RuntimeError"),
        ("frozen", r"takes a gradient \(requires_grad\), so nothing can be adapted"),
        ("unfinished", r"head\.weight holds NaN"),
    ],
)
def test_a_function_that_makes_no_network_is_told(
    networks: str, tmp_path: Path, root: str, function: str, words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        start_study(config_of(networks, function), tmp_path / "mine", root=root)
    assert not (tmp_path / "mine").exists()


def test_a_module_that_is_not_there_is_told(tmp_path: Path, root: str) -> None:
    with pytest.raises(ModelError, match="nowhere_at_all cannot be imported: ModuleNotFoundError"):
        start_study(TINY.but(backbone="nowhere_at_all:net"), tmp_path / "mine", root=root)


@pytest.mark.parametrize(
    "backbone", ["conv5", "a:b:c", "a b:c", "../a:b", "os:system('x')", ":f", "m:", "a." * 99 + "b:c"]
)
def test_what_is_no_name_of_a_function_is_no_setting(backbone: str) -> None:
    with pytest.raises(ConfigError, match="backbone must be one of conv4"):
        TINY.but(backbone=backbone)


def test_weights_are_of_a_file_whose_sum_is_noted(networks: str, tmp_path: Path, root: str) -> None:
    first = start_study(config_of(networks), tmp_path / "first", root=root)
    torch.save(first.model().state_dict(), tmp_path / "weights.pth")
    other = config_of(networks).but(seed=5)
    again = start_study(other, tmp_path / "second", weights=tmp_path / "weights.pth", root=root)
    assert again.weights_sum == first.weights_sum
    assert again.metadata.started_from == read_weights(tmp_path / "weights.pth")[1]
    started = start_study(
        other.but(ways=2), tmp_path / "third", weights=first.folder / "weights.safetensors", root=root
    )
    assert torch.count_nonzero(started.model().head.weight) == 0
    assert started.model(ways=4).head.weight.shape == (4, 16)
    with pytest.raises(StudyError, match="learned for"):
        first.model(ways=2)


def test_what_is_no_file_of_weights_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": [1, 2]}, "lists.pth")
    torch.save(torch.nn.Linear(2, 2), "module.pth")  # unpickling it would run code
    Path("text.safetensors").write_text("no weights")
    torch.save({1: torch.zeros(2)}, "numbers.pth")
    torch.save({}, "empty.pth")
    torch.save({"epoch": 3, "model": {"a": torch.zeros(2)}}, "checkpoint.pth")
    torch.save({"a": torch.tensor([1.0, float("inf")])}, "infinite.pth")
    os.mkfifo("pipe.pth")
    for name, words in [("lists.pth", "'a' is no tensor"), ("numbers.pth", "no state dictionary"),
                        ("empty.pth", "holds no weights"), ("infinite.pth", "'a' holds NaN or infinite numbers"),
                        ("checkpoint.pth", "inside of 'model': save that alone"),
                        ("pipe.pth", "is no file"), ("/dev/zero", "is no file"), ("module.pth", "no readable file"),
                        ("text.safetensors", "no readable file"), ("none.pth", "is no file")]:  # fmt: skip
        with pytest.raises(StudyError, match=words):
            read_weights(Path(name))


ODD = {
    "claims a terabyte": torch.zeros(1).expand(10**6, 10**6),
    "sparse": torch.eye(3).to_sparse(),
    "nowhere": torch.zeros(3, device="meta"),
    "complex": torch.zeros(3, dtype=torch.complex64),
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_a_tensor_whose_numbers_are_not_all_in_the_file_is_refused(value: torch.Tensor, tmp_path: Path) -> None:
    torch.save({"one.weight": value}, tmp_path / "odd.pth")
    with pytest.raises(
        StudyError, match=r"odd\.pth(: .one\.weight. is no tensor of plain numbers| is no readable file)"
    ):
        read_weights(tmp_path / "odd.pth")


def test_a_packed_file_of_weights_may_not_become_larger_than_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"one.weight": torch.zeros(100_000)}, tmp_path / "plain.pth")
    with zipfile.ZipFile(tmp_path / "plain.pth") as plain, zipfile.ZipFile(tmp_path / "bomb.pth", "w") as bomb:
        for entry in plain.infolist():
            bomb.writestr(entry.filename, plain.read(entry), zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(start, "LARGEST", 50_000)
    with pytest.raises(StudyError, match="becomes larger than"):
        read_weights(tmp_path / "bomb.pth")


def test_scales_that_a_layer_has_not_claim_no_sweep(networks: str, tmp_path: Path, root: str) -> None:
    study = start_study(config_of(networks, "bare"), tmp_path / "mine", root=root)
    with pytest.raises(PatternError, match="layer one has no scale, shift or bias to update: write 0 or 1 for it"):
        sweep_study(study, SWEEP.but(patterns="n1"), root=root)
    assert study.layers_with_scales == ("head",)
    assert sweep_study(study, SWEEP.but(patterns="0n"), root=root).has_finer_patterns


def test_images_of_one_brightness_are_refused(networks: str, tmp_path: Path, root: str) -> None:
    grey = replace(tiny_dataset(), name="grey", images=np.full((180, 16, 16, 1), 128, np.uint8))
    there = str(write_dataset(grey, tmp_path / "data"))
    with pytest.raises(DataError, match=r"all images of grey are of one brightness \(50 %\)"):
        start_study(config_of(networks).but(dataset="grey"), tmp_path / "mine", root=there)
    study = start_study(config_of(networks), tmp_path / "other", root=root)
    with pytest.raises(DataError, match="nothing to tell apart"):
        on_dataset(study, "grey", root=there)
    assert [each.name for each in tmp_path.iterdir() if each.is_dir() and each.name != "data"] == ["other"]


def test_too_few_images_are_told_before_anything_is_written(networks: str, tmp_path: Path, root: str) -> None:
    with pytest.raises(DataError, match=r"too few for 90 shots and .* queries; ask for fewer than 10 shots"):
        start_study(config_of(networks).but(shots=90), tmp_path / "mine", root=root)
    with pytest.raises(LambdaError, match="is trained"):
        start_study(TINY, tmp_path / "mine", root=root)
    assert not (tmp_path / "mine").exists()


def test_a_folder_that_holds_a_study_is_left_alone(networks: str, tmp_path: Path, root: str) -> None:
    study = start_study(config_of(networks), tmp_path / "mine", root=root)
    with pytest.raises(StudyError, match="holds a study already"):
        start_study(config_of(networks).but(seed=3), tmp_path / "mine", root=root)
    assert Study.load(study.folder).weights_sum == study.weights_sum


def test_a_description_that_does_not_fit_is_told(networks: str, tmp_path: Path, root: str) -> None:
    from lambda_core.studies import StudyMetadata, commit

    study = start_study(config_of(networks), tmp_path / "mine", root=root)
    content = study.metadata.to_dict()
    content["network"]["modules"][0]["modules"][0]["arguments"]["out_channels"] = 5
    commit(study.folder, lambda _: StudyMetadata.from_dict(content), {})
    with pytest.raises(StudyError, match=r"does not fit the backbone of study\.json"):
        Study.load(study.folder).model()


@pytest.mark.slow
def test_a_network_of_ones_own_is_trained_and_gone_on_with(networks: str, tmp_path: Path, root: str) -> None:
    config = config_of(networks)
    first = train_study(config, tmp_path / "first", root=root)
    assert first is not None
    assert (first.needs_code, first.config.query_statistics) == (False, "transductive")
    start_again = config.but(iterations=1, meta_lr=1e-8, validate_every=1)
    second = train_study(start_again, tmp_path / "second", start_from=first, root=root)
    assert second is not None
    ours, theirs = first.model().state_dict(), second.model().state_dict()
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-6) for name in ours)
    with pytest.raises(ConfigError, match=r"first is a .*small, not a conv4"):
        train_study(TINY, tmp_path / "third", start_from=first, root=root)
    shutil.rmtree(tmp_path / "second")


@pytest.mark.slow
def test_a_started_study_is_timed_like_any(networks: str, tmp_path: Path, root: str) -> None:
    from lambda_core.config import TimingConfig

    study = start_study(config_of(networks), tmp_path / "mine", root=root)
    swept = sweep_study(study, SWEEP, root=root)
    assert swept.sweep_config is not None
    assert swept.sweep_config.query_statistics == "stored"
    assert time_study(swept, TimingConfig(repeats=2), root=root).measured


@pytest.mark.slow
def test_patterns_are_chosen_before_they_are_measured(networks: str, tmp_path: Path, root: str) -> None:
    from lambda_core.analysis import choose
    from lambda_core.config import TimingConfig
    from lambda_core.selection import SelectionSettings

    study = start_study(TINY.but(backbone=f"{networks}:deep"), tmp_path / "mine", root=root)
    with pytest.raises(PatternError, match=r"14 layers have 16,384 patterns, about [\d,]+ hours .*--patterns tails"):
        sweep_study(study, SWEEP, root=root)
    swept = sweep_study(study, SWEEP.but(patterns="anil,00000000000110"), root=root)
    assert swept.accuracy is not None
    expected = {"0" * 14, "0" * 13 + "1", "00000000000110", "1" * 14}
    assert set(swept.accuracy["pattern"].astype(str)) == expected
    timed = time_study(swept, TimingConfig(repeats=2), root=root)
    assert timed.timing is not None
    assert set(timed.timing["pattern"].astype(str)) == expected
    choice, _ = choose(timed, SelectionSettings(threshold=100.0))
    assert choice.candidate.pattern in expected


def test_a_domain_is_measured_with_the_code_that_was_named(networks: str, tmp_path: Path, root: str) -> None:
    reference = f"{networks}:with_code"
    study = start_study(config_of(networks, "with_code"), tmp_path / "mine", root=root).with_code(reference)
    elsewhere = on_dataset(study, "glyphs")
    assert (elsewhere.code, elsewhere.needs_code, elsewhere.input) == (reference, True, study.input)
    assert sweep_study(elsewhere, SWEEP).accuracy is not None
