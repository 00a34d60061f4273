"""Exported files: three shipped studies run where there is no torch, and equal ours; what cannot be written is said."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from lambda_core.adaptation import adapt, query_logits
from lambda_core.backbones import Backbone, conv4, mlp
from lambda_core.commands.main import main
from lambda_core.errors import ConfigError, LambdaError, ModelError, PatternError
from lambda_core.export import export_adaptation
from lambda_core.patterns import LambdaPattern
from lambda_core.studies import Study, studies_root
from lambda_core.workflows import export_study

onnx = pytest.importorskip("onnx")

ROOT = Path(__file__).resolve().parents[2]
STUDIES = [("cifar-fs-5w1s-pretrained", "00111"), ("omniglot-5w1s", "11111/00001"), ("glyphs-5w1s", "00011")]


def episode(study, queries=7):
    random = np.random.default_rng(0)
    size, channels = study.input
    ways, shots = study.config.ways, study.config.shots
    images, others = (
        random.standard_normal((n, channels, size, size), dtype=np.float32) for n in (ways * shots, queries)
    )
    return images, np.arange(ways * shots, dtype=np.int64) % ways, others


@pytest.mark.slow
@pytest.mark.parametrize("statistics", ["transductive", "support"])
@pytest.mark.parametrize(("name", "pattern"), STUDIES)
def test_a_shipped_study_runs_without_torch_and_equals_ours(name, pattern, statistics, tmp_path):
    study = Study.load(studies_root() / name)
    parsed = LambdaPattern.parse(pattern, 5)
    export_study(study, parsed, tmp_path / "adapt.onnx", steps=3, query_statistics=statistics)
    images, labels, queries = episode(study)
    np.savez(tmp_path / "episode.npz", images=images, labels=labels, queries=queries)
    program = WITHOUT_TORCH + example()
    if statistics == "support":
        program = program.replace('{"query_images"', '{"support_images": episode["images"], "query_images"')
    command = [sys.executable, "-c", program + REPORT]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    logits = np.array(json.loads(done.stdout.splitlines()[-1]))
    backbone, x = Backbone.of(study.model()), torch.from_numpy(images)
    adapted = adapt(backbone, x, torch.from_numpy(labels), parsed, 3, study.config.lr)
    ours = query_logits(backbone, adapted.weights, x, torch.from_numpy(queries), statistics).detach().numpy()
    np.testing.assert_allclose(logits, ours, rtol=1e-3, atol=1e-3 * np.abs(ours).max())


# A process in which torch, and all of this project, cannot be imported; where onnxruntime is not installed, the plain
# evaluator of the onnx package stands in for it.
WITHOUT_TORCH = """
import sys, types
sys.modules["torch"] = sys.modules["lambda_core"] = None
try:
    import onnxruntime
except ImportError:
    from onnx.reference import ReferenceEvaluator
    class InferenceSession(ReferenceEvaluator):
        def __init__(self, path, options):
            super().__init__(path)
        def get_outputs(self):
            return [types.SimpleNamespace(name=name) for name in self.output_names]
    sys.modules["onnxruntime"] = types.SimpleNamespace(
        InferenceSession=InferenceSession, SessionOptions=types.SimpleNamespace
    )
"""
REPORT = """
import json
print(json.dumps(logits.tolist()))
"""


def example() -> str:
    """The program of docs/guide.md that imports numpy and onnxruntime only."""
    text = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    found = re.search(r"```py\n(import numpy.*?)```", text, re.DOTALL)
    assert found, "docs/guide.md shows no program that runs an exported adaptation"
    return found.group(1)


def test_the_example_is_short_and_imports_two_packages():
    lines = example().strip().splitlines()
    assert len(lines) <= 15
    assert [line for line in lines if "import" in line] == ["import numpy as np", "import onnxruntime as ort"]


def test_the_manifest_says_what_was_written(tmp_path):
    model, pattern = conv4(3, 4, 1, 16), LambdaPattern.parse("00011", 5)
    done = export_adaptation(
        model, tmp_path / "adapt.onnx", pattern, 2, (0.1, 0.1, 0.1, 0.2, 0.3), support_shape=(3, 1, 16, 16)
    )
    manifest = json.loads((tmp_path / "adapt.json").read_text())
    assert manifest == json.loads(json.dumps(done.manifest))
    assert manifest["layers"] == ["conv1", "conv2", "conv3", "conv4", "head"]
    assert (manifest["pattern"], manifest["steps"], manifest["step_sizes"]["conv4"]) == ("00011", 2, 0.2)
    graph = manifest["graphs"]["adaptation"]
    assert graph["sha256"] == hashlib.sha256((tmp_path / "adapt.onnx").read_bytes()).hexdigest()
    assert graph["inputs"] == {"support_images": [3, 1, 16, 16], "support_labels": [3]}
    assert graph["outputs"]["conv4.conv.weight"] == [4, 4, 3, 3]
    assert set(manifest["graphs"]["queries"]["inputs"]) == {"query_images", *graph["outputs"]}
    assert manifest["checked"]["relative_difference"] < 1e-4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapt.json", "adapt.onnx", "adapt.queries.onnx"]


def test_more_layers_need_more_memory(tmp_path):
    peaks = []
    for text in ("00001", "00111", "11111"):
        done = export_adaptation(
            conv4(3, 8, 3, 32), tmp_path / "a.onnx", LambdaPattern.parse(text, 5), 2, 0.1, support_shape=(3, 3, 32, 32)
        )
        peaks.append(done.manifest["peak_bytes"]["values"])
    assert peaks[0] <= peaks[1] < peaks[2]
    # at the widest place: the output of conv1, its centred copy, and their input
    assert peaks[0] >= 2 * 4 * 3 * 8 * 32 * 32


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"path": "adapt.txt"}, ConfigError, "must end in .onnx"),
        ({"pattern": LambdaPattern.parse("00000", 5)}, ConfigError, "updates nothing"),
        ({"steps": 0}, ConfigError, "updates nothing"),
        ({"pattern": LambdaPattern.parse("0001", 4)}, PatternError, "4 columns"),
        ({"lr": (0.1, 0.2)}, ModelError, "2 step sizes"),
        ({"query_statistics": "running"}, ConfigError, "transductive or support"),
        ({"support_shape": (3, 16, 16)}, ConfigError, "(N·K, C, H, W)"),
        ({"model": mlp(), "pattern": LambdaPattern.full(3)}, ModelError, "hidden1, 0: a Linear"),
        ({"model": conv4(3, 4, 1, 16).append(nn.Dropout().eval())}, ModelError, "head, Dropout"),
    ],
)
def test_what_cannot_be_exported_is_said(arguments, error, words, tmp_path):
    given = {
        "model": conv4(3, 4, 1, 16), "path": "adapt.onnx", "pattern": LambdaPattern.parse("00001", 5), "steps": 2,
        "lr": 0.1, "support_shape": (3, 1, 16, 16),
    } | arguments  # fmt: skip
    given["path"] = tmp_path / given["path"]
    with pytest.raises(error) as raised:
        export_adaptation(given.pop("model"), **given)
    assert words in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_the_missing_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(LambdaError, match=r"lambda-core\[export\]"):
        export_adaptation(
            conv4(3, 4, 1, 16), tmp_path / "a.onnx", LambdaPattern.parse("00001", 5), 1, 0.1,
            support_shape=(3, 1, 16, 16),
        )  # fmt: skip


def test_the_command_line(tmp_path):
    target = tmp_path / "adapt.onnx"
    options = ["export", "glyphs-5w1s", "--pattern", "00001", "--steps", "2", "--to", str(target)]
    done = CliRunner().invoke(main, options)
    assert done.exit_code == 0, done.output
    assert "from the definition" in done.stdout
    record = json.loads(CliRunner().invoke(main, [*options, "--json"]).stdout)
    assert record["study"] == "glyphs-5w1s"
    assert record["measured"]["milliseconds"] > 0
    assert record["measured"]["processor"] in set(Study.load("glyphs-5w1s").times()["processor"])
    assert all(record["measured"]["peak_bytes"][part] > 0 for part in ("weights", "kept", "workspace"))
    refused = CliRunner().invoke(main, ["export", "sinusoid", "--to", str(target)])
    assert refused.exit_code == 2
    assert "regression" in refused.stderr
