"""An analyst's folder of images and a network of torchvision's: five commands lead to a choice."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from lambda_core.commands.main import main
from lambda_core.measurement import evaluate_folder
from lambda_core.patterns import LambdaPattern
from lambda_core.studies import Study

CLASSES, IMAGES = 8, 20


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight folders of twenty noisy pictures, each class of a colour of its own."""
    folder, random = tmp_path_factory.mktemp("photographs"), np.random.RandomState(0)
    for label in range(CLASSES):
        (folder / f"class{label}").mkdir()
        color = random.randint(40, 216, 3)
        for place in range(IMAGES):
            pixels = np.clip(color + random.normal(0, 30, (36, 48, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"class{label}" / f"{place}.png")
    return folder


def run(*words: object) -> str:
    result = CliRunner().invoke(main, list(map(str, words)))
    assert result.exit_code in (0, 1), result.output
    return result.stdout


@pytest.fixture(scope="module")
def study(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first four commands make."""
    here = tmp_path_factory.mktemp("work")
    root, folder = here / "data", here / "my-study"
    run("data", "import", photographs, "--name", "my-photos", "--val", 0.5, "--test", 0.5, "--root", root)
    episodes = ("--dataset", "my-photos", "--ways", 3, "--shots", 5, "--queries", 10)
    adapted = ("--steps", 2, "--lr", 0.001, "--head", "zero", "--half")
    run("start", "--backbone", "torchvision:resnet18", *episodes, *adapted, "--out", folder, "--root", root)
    asked = ("--episodes", 6, "--queries", 10, "--max-steps", 2, "--patterns", "anil,000011", "--processes", 1)
    run("sweep", folder, *asked, "--root", root)
    run("time", folder, "--repeats", 3, "--anyway", "--root", root)
    return folder


@pytest.mark.slow
def test_five_commands_lead_from_images_to_a_choice(study: Path) -> None:
    found = json.loads(run("select", study, "--threshold", 20, "--json"))
    assert found["pattern"] in ("000000", "000001", "000011", "111111")
    assert Study.load(study).metadata.torch_versions().keys() >= {"training", "timing"}


SMALLER = {  # what is said last counts
    "start": "--queries 5",
    "sweep": "--episodes 2 --queries 5 --processes 1",
    "time": "--repeats 2 --anyway",
}


@pytest.mark.slow
def test_the_five_commands_of_the_readme_run_as_they_stand(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torchvision = pytest.importorskip("torchvision")
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    lines = readme.split("takes five")[1].split("## ")[0].replace("\\\n", "").splitlines()
    commands = [shlex.split(line) for line in lines if line.startswith("    lambda-core")]
    assert [words[1] for words in commands] == ["data", "start", "sweep", "time", "select"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAMBDA_DATA", str(tmp_path / "data"))
    (tmp_path / "photographs").symlink_to(photographs)
    weights = commands[1][commands[1].index("--weights") + 1]
    torch.save(torchvision.models.mobilenet_v2().state_dict(), weights)
    for _, *words in commands:
        said = run(*words, *SMALLER.get(words[0], "").split())
    assert said.startswith("Keep the full pattern for 5 steps")  # so few episodes show nothing of random weights
    assert Study.load(tmp_path / "my-study").measured


@pytest.mark.slow
def test_the_study_serves_another_number_of_classes(study: Path, photographs: Path, tmp_path: Path) -> None:
    for label in range(4):
        for kind, places in (("support", range(2)), ("query", range(2, 5))):
            for place in places:
                target = tmp_path / "one" / kind / f"class{label}" / f"{place}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(photographs / f"class{label}" / f"{place}.png", target)
    head_only = LambdaPattern.parse("anil", 6)
    assert 0 <= evaluate_folder(Study.load(study), tmp_path, head_only, 2, "stored").accuracy <= 1


@pytest.mark.slow
def test_too_few_images_are_told_in_a_sentence(study: Path, tmp_path: Path) -> None:
    root = study.parent / "data"
    words = ["start", "--backbone", "torchvision:resnet18", "--dataset", "my-photos", "--ways", "3", "--shots", "15"]
    result = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "other"), "--root", str(root)])
    assert result.exit_code == 2
    assert "has 20 images, too few for 15 shots and 15 queries; ask for at most 5 queries" in result.stderr
    assert not (tmp_path / "other").exists()
