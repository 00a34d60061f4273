"""Nothing that is damaged or hostile gets in."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lambda_core.errors import StudyError
from lambda_core.studies.study import Study
from tests.support.spoiling import Spoil, about, cell, config, cut, raw, replaced, rewrite, weights

HOSTILE: dict[str, tuple[Spoil, str]] = {
    "no study.json": (lambda folder: (folder / "study.json").unlink(), r"study\.json cannot be read: No such file"),
    "empty json": (raw("study.json", b""), r"study\.json is no readable JSON"),
    "not utf-8": (raw("study.json", b'{"schema": "\xff"}'), r"study\.json is no readable JSON"),
    "json list": (raw("study.json", b"[1]"), r"study\.json holds no JSON object"),
    "json of NaN": (raw("study.json", b'{"schema": NaN}'), r"NaN is no JSON number"),
    "deep json": (raw("study.json", b"[" * 500_000), r"study\.json is no readable JSON"),
    "giant json": (raw("study.json", b" " * (2 << 20)), r"study\.json is larger than 1 MB"),
    "giant number": (raw("study.json", b'{"schema": ' + b"9" * 10_000 + b"}"), r"study\.json is no readable JSON"),
    "later schema": (about(schema=99), r"schema 99 is not known; this version reads 1 to 3"),
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
    "pattern of words": (cell("timing", "pattern", "<b>"), r"neither 0, 1 nor n"),
    "pattern too long": (cell("timing", "pattern", "0" * 100_000), r"column pattern holds a word of 100,000 bytes"),
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


@pytest.mark.parametrize("taught", [False, True])
def test_weights_of_a_type_that_numpy_lacks_are_named(folder: Path, taught: bool) -> None:
    if taught:
        pytest.importorskip("ml_dtypes")  # comes with onnx; makes bfloat16 known to numpy
    from safetensors.torch import load_file as load_tensors
    from safetensors.torch import save_file as save_tensors

    path = folder / "weights.safetensors"
    save_tensors({name: value.bfloat16() for name, value in load_tensors(path).items()}, path)
    with pytest.raises(StudyError, match=r"of a type that is not read here \(.*(?:bfloat16|BF16).*\); convert"):
        Study.load(folder)
