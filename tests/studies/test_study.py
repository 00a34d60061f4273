"""Studies on disk: what is written comes back, and nothing that is damaged or hostile gets in."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from lambda_core.config import MetaTrainConfig, SweepConfig, TimingConfig
from lambda_core.errors import StudyError
from lambda_core.studies import tables
from lambda_core.studies import writing as disk
from lambda_core.studies.library import list_studies, studies_root
from lambda_core.studies.metadata import check_name
from lambda_core.studies.study import Study
from tests.support.synthetic import LAYER_COSTS, LAYERS, write_study

SCHEMA_1 = Path(__file__).parents[1] / "support" / "fixtures" / "schema1"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template")
    return write_study(root, "tiny", episodes=3, max_steps=2, repeats=2, filters=4, iterations=500)


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A study of its own for each test, to spoil."""
    return shutil.copytree(template, tmp_path / "tiny")


def test_study_comes_back_as_written(folder: Path) -> None:
    study = Study.load(folder)
    assert (study.name, study.layers, study.layer_costs) == ("tiny", LAYERS, LAYER_COSTS)
    assert (study.config.filters, study.config.iterations, study.input) == (4, 500, (32, 3))
    assert study.accuracy is not None
    assert len(study.accuracy) == 2 * 3 * (1 + 31 * 2)
    assert study.timing is not None
    assert len(study.timing) == 2 * (1 + 31 * 2)
    assert study.training["val_accuracy"].notna().sum() == 2
    assert study.measured
    assert study.warnings == []


def test_tables_are_small(folder: Path) -> None:
    study = Study.load(folder)
    assert {name: str(kind) for name, kind in study.accuracy.dtypes.items()} == {  # type: ignore[union-attr]
        "split": "category",
        "pattern": "category",
        "steps": "int16",
        "lr": "float32",
        "episode": "int32",
        "accuracy": "float32",
        "loss": "float32",
    }
    assert str(study.timing.dtypes["multiply_adds"]) == "int64"  # type: ignore[union-attr]


def test_accuracies_survive_to_the_bit(folder: Path) -> None:
    frame = Study.load(folder).accuracy
    disk.write_accuracy(folder, frame)
    pd.testing.assert_frame_equal(Study.load(folder).accuracy, frame)


def test_config_objects_of_the_measurements(folder: Path, tmp_path: Path) -> None:
    study = Study.load(folder)
    assert study.sweep_config == SweepConfig(episodes=3, max_steps=2)
    assert study.timing_config == TimingConfig(repeats=2)
    bare = Study.load(write_study(tmp_path, "bare", measured=False, filters=4))
    assert (bare.accuracy, bare.timing, bare.sweep_config, bare.timing_config) == (None, None, None, None)
    assert not bare.measured


def test_unknown_keys_are_kept(folder: Path) -> None:
    disk.write_about(folder, Study.load(folder).about | {"note": "ours"})
    assert Study.load(folder).about["note"] == "ours"


def test_environments_of_measurements_are_read_and_compared(folder: Path) -> None:
    about = Study.load(folder).about
    about["timing"] |= {"environment": about["environment"] | {"torch": "2.13.0+cpu"}}
    disk.write_about(folder, about)
    (warning,) = Study.load(folder).warnings
    assert "timing 2.13.0" in warning
    about["timing"]["environment"]["torch"] = "2.14.1+cu130"  # another build of the same version
    disk.write_about(folder, about)
    assert Study.load(folder).warnings == []


@pytest.mark.parametrize(
    ("config", "title"),
    [
        ({}, "CIFAR-FS · 5-way 1-shot · 4-CONV"),
        ({"dataset": "omniglot", "ways": 20}, "Omniglot · 20-way 1-shot · 4-CONV"),
        ({"pattern": "anil", "shots": 5}, "CIFAR-FS · 5-way 5-shot · 4-CONV · trained with ANIL"),
        ({"pretrain_epochs": 3}, "CIFAR-FS · 5-way 1-shot · 4-CONV · pretrained"),
        ({"pattern": "11111", "steps": 1}, "CIFAR-FS · 5-way 1-shot · 4-CONV · 1 training step"),
        ({"dataset": "sinusoid", "ways": 1, "shots": 10}, "Sinusoid · 10-shot · 4-CONV"),
    ],
)
def test_title(tmp_path: Path, config: dict[str, Any], title: str) -> None:
    assert Study.load(write_study(tmp_path, "a", measured=False, filters=4, **config)).title == title


def test_schema_1_is_still_read() -> None:
    study = Study.load(SCHEMA_1)
    assert study.config == MetaTrainConfig(dataset="cifar-fs", filters=4, iterations=500)
    assert study.accuracy is not None
    first = study.accuracy.iloc[0]
    assert (first["split"], first["pattern"], first["steps"], first["episode"]) == ("val", "00000", 0, 0)
    assert first["accuracy"] == pytest.approx(0.2)
    assert study.timing is not None
    assert study.timing.groupby(["pattern", "steps"], observed=True).size().unique() == [3]


def test_model_has_the_weights(folder: Path) -> None:
    stored = load_file(folder / "weights.safetensors")
    loaded = Study.load(folder).model().state_dict()
    assert set(loaded) == set(stored)
    assert all(np.array_equal(loaded[name].numpy(), stored[name]) for name in stored)


def test_weights_are_written_from_tensors(folder: Path) -> None:
    state = Study.load(folder).model().state_dict()
    disk.write_weights(folder, {name: value + 1 for name, value in state.items()})
    assert np.allclose(load_file(folder / "weights.safetensors")["head.bias"], state["head.bias"].numpy() + 1)


def test_model_refuses_weights_of_another_input_size(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    save_file(weights | {"head.weight": weights["head.weight"][:, :8].copy()}, folder / "weights.safetensors")
    with pytest.raises(StudyError, match=r"weights\.safetensors does not fit.*head\.weight"):
        Study.load(folder).model()


@pytest.mark.parametrize("name", ["", "A", "-a", "a_b", "../a", "a" * 65, "a\n", "é"])
def test_wrong_names_are_refused(name: str) -> None:
    with pytest.raises(StudyError, match="no name for a study"):
        check_name(name)


@pytest.mark.parametrize("name", ["a", "0", "cifar-fs-5w1s", "a" * 64])
def test_right_names_pass(name: str) -> None:
    assert check_name(name) == name


def test_one_bad_study_hides_no_good_one(folder: Path) -> None:
    (folder.parent / "broken").mkdir()
    (folder.parent / "Wrong Name").mkdir()
    (folder.parent / ".hidden").mkdir()
    (folder.parent / "a-file").write_text("no study")
    studies, errors = list_studies(folder.parent)
    assert [study.name for study in studies] == ["tiny"]
    assert len(errors) == 2


def test_a_study_in_training_is_neither_listed_nor_bad(folder: Path) -> None:
    (folder.parent / "growing" / "checkpoint").mkdir(parents=True)
    studies, errors = list_studies(folder.parent)
    assert ([study.name for study in studies], errors) == (["tiny"], [])


def test_a_study_that_leads_out_of_the_root_is_refused(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(folder)
    studies, (error,) = list_studies(root)
    assert not studies
    assert "leads out of" in str(error)


def test_no_root_holds_no_studies(tmp_path: Path) -> None:
    assert list_studies(tmp_path / "nowhere") == ([], [])


def test_root_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAMBDA_STUDIES", str(tmp_path))
    assert studies_root() == tmp_path
    monkeypatch.delenv("LAMBDA_STUDIES")
    assert studies_root().name == "cached_results"


def test_exploring_imports_neither_torch_nor_scipy_stats(folder: Path) -> None:
    code = (
        "import sys; from lambda_core.selection import select_pattern; from lambda_core.studies import Study\n"
        f"study = Study.load({str(folder)!r}); val = study.accuracy[study.accuracy.split == 'val']\n"
        "select_pattern(val, study.timing, 2, 1.0)\n"
        "sys.exit(' '.join({'torch', 'scipy.stats'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# --- hostile and damaged files -------------------------------------------------------------------------------------

Spoil = Callable[[Path], Any]


def rewrite(name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Spoil:
    """Write the table back, changed, as a careless other program would: unchecked."""

    def spoil(folder: Path) -> None:
        path = folder / f"{name}.parquet"
        frame = pd.read_parquet(path)
        pq.write_table(pa.Table.from_pandas(change(frame)), path)

    return spoil


def cell(name: str, column: str, value: Any, kind: str | None = None) -> Spoil:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype({column: kind or "object" if isinstance(value, str) else frame[column].dtype})
        frame.loc[5, column] = value
        return frame

    return rewrite(name, change)


def about(**changes: Any) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / "study.json"
        values = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({key: value for key, value in values.items() if value is not ...}))

    return spoil


def config(**changes: Any) -> Spoil:
    return lambda folder: about(config=json.loads((folder / "study.json").read_text())["config"] | changes)(folder)


def raw(name: str, content: bytes) -> Spoil:
    return lambda folder: (folder / name).write_bytes(content)


def cut(name: str, share: float) -> Spoil:
    def spoil(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * share)])

    return spoil


def weights(change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / "weights.safetensors"
        save_file(change(load_file(path)), path)

    return spoil


def replaced(name: str, make: Callable[[Path], Any]) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return spoil


HOSTILE: dict[str, tuple[Spoil, str]] = {
    "no study.json": (lambda folder: (folder / "study.json").unlink(), r"study\.json cannot be read: No such file"),
    "empty json": (raw("study.json", b""), r"study\.json is no readable JSON"),
    "not utf-8": (raw("study.json", b'{"schema": "\xff"}'), r"study\.json is no readable JSON"),
    "json list": (raw("study.json", b"[1]"), r"study\.json holds no JSON object"),
    "json of NaN": (raw("study.json", b'{"schema": NaN}'), r"NaN is no JSON number"),
    "deep json": (raw("study.json", b"[" * 500_000), r"study\.json is no readable JSON"),
    "giant json": (raw("study.json", b" " * (2 << 20)), r"study\.json is larger than 1 MB"),
    "giant number": (raw("study.json", b'{"schema": ' + b"9" * 10_000 + b"}"), r"study\.json is no readable JSON"),
    "later schema": (about(schema=99), r"schema 99 is not known; this version reads 1 to 2"),
    "bool schema": (about(schema="1"), r"schema '1' is not known"),
    "name with a path": (about(name="../../etc"), r"no name for a study"),
    "no config": (about(config=...), r"study\.json lacks 'config'"),
    "config list": (about(config=[1]), r"'config' must be an object of settings"),
    "unknown setting": (config(speed=3), r"study\.json, config: no setting is named 'speed'"),
    "mistyped setting": (config(ways="five"), r"ways must be of type int, not 'five'"),
    "setting out of range": (config(lr=-1.0), r"lr must lie between"),
    "bad sweep": (about(sweep={"episodes": 0}), r"study\.json, sweep: episodes must lie between"),
    "layers missing": (about(layers=...), r"'layers' must list the names"),
    "layers doubled": (about(layers=["a", "a"]), r"'layers' must list the names of the layers, each once"),
    "layer with markup": (about(layers=["<script>"]), r"'layers' must list the names"),
    "input missing": (about(input=None), r"'input' must be an object"),
    "input is huge": (about(input={"size": 10**9, "channels": 3}), r"'input' must be an object"),
    "costs of other layers": (about(layer_multiply_adds=[1, 2]), r"'layer_multiply_adds' must list one whole number"),
    "no dataset": (about(dataset=...), r"'dataset' must be of type dict"),
    "commands are text": (about(commands="rm -rf"), r"'commands' must be of type list"),
    "no training": (lambda folder: (folder / "training.parquet").unlink(), r"training\.parquet cannot be read"),
    "truncated table": (cut("accuracy.parquet", 0.5), r"accuracy\.parquet is no readable parquet table"),
    "table without its end": (cut("accuracy.parquet", 0.99), r"accuracy\.parquet is no readable parquet table"),
    "empty table file": (raw("accuracy.parquet", b""), r"accuracy\.parquet is no readable parquet table"),
    "wrong magic": (raw("timing.parquet", b"MZ" + b"\0" * 500), r"timing\.parquet is no readable parquet table"),
    "no rows": (rewrite("accuracy", lambda f: f.head(0)), r"accuracy\.parquet has no rows"),
    "lost column": (rewrite("accuracy", lambda f: f.drop(columns="loss")), r"lacks the column loss"),
    "text for numbers": (
        rewrite("accuracy", lambda f: f.astype({"accuracy": "str"})),
        r"column accuracy holds .*string, not float",
    ),
    "numbers for text": (rewrite("timing", lambda f: f.assign(device=1)), r"column device holds int64"),
    "NaN accuracy": (cell("accuracy", "accuracy", np.nan), r"column accuracy holds NaN or an empty cell in row 5"),
    "accuracy of 7": (cell("accuracy", "accuracy", 7.0), r"column accuracy holds 7, outside 0 to 1"),
    "negative steps": (rewrite("timing", lambda f: f.assign(steps=-1)), r"column steps holds -1, outside 0"),
    "too many steps": (rewrite("timing", lambda f: f.assign(steps=70_000)), r"timing\.parquet is no readable"),
    "negative time": (cell("timing", "milliseconds", -1.0), r"column milliseconds holds -1, outside"),
    "infinite time": (cell("timing", "milliseconds", np.inf), r"column milliseconds holds inf, outside"),
    "unknown split": (rewrite("accuracy", lambda f: f.assign(split="train")), r"splits are val and test, not train"),
    "pattern of four": (cell("accuracy", "pattern", "0001"), r"4 digits for 5 layers"),
    "pattern of words": (cell("timing", "pattern", "<b>"), r"neither 0 nor 1"),
    "pattern too long": (cell("timing", "pattern", "0" * 100_000), r"a pattern is 100000 characters long"),
    "pattern not in short form": (cell("timing", "pattern", "00001/00001"), r"not in its shortest form, 00001"),
    "idle under another name": (rewrite("timing", lambda f: f.assign(steps=0)), r"no adaptation must appear as"),
    "lost episode": (rewrite("accuracy", lambda f: f.drop(index=5)), r"split val: .* lacks an episode"),
    "doubled episode": (
        rewrite("accuracy", lambda f: pd.concat([f, f.iloc[[5]]])),
        r"split val: .* has an episode twice",
    ),
    "no weights": (lambda folder: (folder / "weights.safetensors").unlink(), r"weights\.safetensors cannot be read"),
    "truncated weights": (cut("weights.safetensors", 0.7), r"weights\.safetensors is no readable safetensors file"),
    "huge weights header": (raw("weights.safetensors", b"\xff" * 64), r"weights\.safetensors is no readable"),
    "NaN weight": (weights(lambda w: w | {"head.bias": w["head.bias"] * np.nan}), r"head\.bias holds NaN or infinite"),
    "weights of other layers": (weights(lambda w: w | {"tail.bias": w["head.bias"]}), r"holds weights of .*'tail'"),
    "weights of other ways": (
        weights(lambda w: w | {"head.bias": w["head.bias"][:3].copy()}),
        r"head\.bias has 3 outputs, but study\.json asks for 5",
    ),
    "other filters": (config(filters=8), r"conv1\.conv\.weight has 4 outputs, but study\.json asks for 8"),
    "link out": (replaced("training.parquet", lambda p: p.symlink_to("/etc/passwd")), r"is a link that leads out of"),
    "link to itself": (replaced("study.json", lambda p: p.symlink_to(p)), r"study\.json cannot be read"),
    "pipe": (replaced("accuracy.parquet", os.mkfifo), r"accuracy\.parquet is no regular file"),
    "folder for a file": (replaced("timing.parquet", Path.mkdir), r"timing\.parquet is no regular file"),
    "link to nowhere": (replaced("timing.parquet", lambda p: p.symlink_to("gone")), r"timing\.parquet cannot be read"),
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_hostile_studies_fail_with_one_clear_sentence(folder: Path, fault: str) -> None:
    spoil, message = HOSTILE[fault]
    spoil(folder)
    with pytest.raises(StudyError, match=message) as caught:
        Study.load(folder)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_claim_of_too_many_rows_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 100)
    with pytest.raises(StudyError, match=r"accuracy\.parquet claims 378 rows; at most 100"):
        Study.load(folder)


def test_a_diverged_loss_is_a_result(folder: Path) -> None:
    cell("accuracy", "loss", np.inf)(folder)
    cell("accuracy", "loss", np.nan)(folder)
    assert Study.load(folder).accuracy is not None


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="there is no such folder"):
        Study.load(tmp_path / "nowhere")


# --- writing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("accuracy", 1.5, "column accuracy holds 1.5, outside 0 to 1"),
        ("accuracy", np.nan, "column accuracy holds NaN"),
        ("steps", 70_000, "cannot hold these values"),
        ("extra", 1, "no column of this table is named extra"),
    ],
)
def test_wrong_tables_are_not_written(folder: Path, column: str, value: Any, message: str) -> None:
    before = (folder / "accuracy.parquet").read_bytes()
    with pytest.raises(StudyError, match=message):
        disk.write_accuracy(folder, Study.load(folder).accuracy.assign(**{column: value}))  # type: ignore[union-attr]
    assert (folder / "accuracy.parquet").read_bytes() == before


def test_a_full_disk_loses_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study.load(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    for write in (
        lambda: disk.write_accuracy(folder, study.accuracy),
        lambda: disk.write_training(folder, study.training),
        lambda: disk.write_about(folder, study.about),
        lambda: disk.write_weights(folder, study.model().state_dict()),
    ):
        with pytest.raises(StudyError, match="cannot be written: No space left on device"):
            write()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_about_with_nan_is_not_written(folder: Path) -> None:
    with pytest.raises(StudyError, match=r"study\.json cannot be written"):
        disk.write_about(folder, {"schema": float("nan")})


def test_weights_of_a_type_that_numpy_lacks_are_named(folder: Path) -> None:
    from safetensors.torch import load_file as load_tensors
    from safetensors.torch import save_file as save_tensors

    path = folder / "weights.safetensors"
    save_tensors({name: value.bfloat16() for name, value in load_tensors(path).items()}, path)
    with pytest.raises(
        StudyError, match=r"of a type that is not read here \(.*bfloat16.*\); convert"
    ):
        Study.load(folder)
