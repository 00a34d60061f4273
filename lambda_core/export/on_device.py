"""Adapts and scores with the exported graphs beside this file: needs numpy and onnxruntime, and no other file of ours.

    python on_device.py adapt.json episode.npz    # images, labels, queries: as the manifest's inputs; prints classes
    python on_device.py full.json head.json       # times adaptations here in turns, on images of noise

The second writes times.json beside the first manifest, which `lambda-core time STUDY --from times.json` reads back:
with all layers among the exported ones, this device is a machine like others. It goes with every archive that
`archive` writes, so it imports nothing of the engine.

In the episode, images and queries are (count, channels, height, width): a pixel's 0 … 255 is brought to -1 … 1 by
pixel / 127.5 - 1. Labels are 0, 1, … for the classes.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

ROUNDS, WARM_UPS, FORMAT = 30, 3, 1


def session(path: Path) -> Any:
    """One thread: for tensors this small a second one only waits."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def adapted(adapt: Any, images: Any, labels: Any) -> dict[str, Any]:
    """The weights that an adaptation changes, by name."""
    names = [output.name for output in adapt.get_outputs()]
    support = {"support_images": images.astype(np.float32), "support_labels": labels.astype(np.int64)}
    return dict(zip(names, adapt.run(names, support), strict=True))


def classes(score: Any, queries: Any, weights: dict[str, Any], images: Any) -> list[int]:
    """The class of each query."""
    given = {"query_images": queries.astype(np.float32), "support_images": images.astype(np.float32), **weights}
    wanted = {each.name for each in score.get_inputs()}
    (logits,) = score.run(None, {name: value for name, value in given.items() if name in wanted})
    return [int(each) for each in logits.argmax(axis=1)]


def milliseconds(adapting: list[Any], shape: list[int], ways: int) -> Any:
    """(graphs, ROUNDS): in every round each graph adapts once, in an order drawn anew, after rounds that warm up."""
    random = np.random.default_rng(0)
    labels = np.arange(shape[0]) % ways
    taken = np.empty((len(adapting), ROUNDS + WARM_UPS))
    for number in range(ROUNDS + WARM_UPS):
        images = random.standard_normal(shape)
        for place in random.permutation(len(adapting)):
            start = time.perf_counter()
            adapted(adapting[place], images, labels)
            taken[place, number] = 1000 * (time.perf_counter() - start)
    return taken[:, WARM_UPS:]


def processor() -> str:
    """What the device calls its processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model", "Hardware"))]
    return next(filter(None, [*named, platform.processor(), platform.machine()]), "unknown")[:120]


def record(abouts: list[dict[str, Any]], adapting: list[Any]) -> dict[str, Any]:
    """Times of several exported adaptations of one study, and what they were taken with."""
    shape = abouts[0]["graphs"]["adaptation"]["inputs"]["support_images"]
    ways = abouts[0]["graphs"]["queries"]["outputs"]["logits"][-1]
    taken = milliseconds(adapting, shape, ways)
    return {
        "format": FORMAT,
        "study": abouts[0].get("study"),
        "layers": abouts[0]["layers"],
        "support_images": shape,
        "runtime": f"onnxruntime {metadata.version('onnxruntime')}",
        "processor": processor(),
        "threads": 1,
        "times": [
            {"pattern": about["pattern"], "steps": about["steps"], "milliseconds": [round(each, 6) for each in row]}
            for about, row in zip(abouts, taken.tolist(), strict=True)
        ],
    }


def run(files: list[str]) -> int:
    """The exit code: 2 with a sentence in place of a traceback."""
    if not files or files[0] in ("-h", "--help"):
        sys.stderr.write(__doc__ or "")
        return 2
    try:
        main(*files)
    except ImportError as error:
        return _said(f"{error}: it can be had by pip install onnxruntime")
    except Exception as error:  # of any kind: files from anywhere, read by numpy and onnxruntime
        return _said(f"{' '.join(files)}: {type(error).__name__}: {(str(error).splitlines() or [''])[0][:300]}")
    return 0


def _said(sentence: str) -> int:
    sys.stderr.write(f"on_device.py: {sentence}\n")
    return 2


def main(*files: str) -> None:
    episode = files[-1] if files[-1].endswith(".npz") else None
    manifests = [Path(each) for each in files if each != episode]
    abouts = [json.loads(each.read_text(encoding="utf-8")) for each in manifests]
    if episode:
        graphs = {name: session(manifests[0].with_name(each["file"])) for name, each in abouts[0]["graphs"].items()}
        given = np.load(episode, allow_pickle=False)
        weights = adapted(graphs["adaptation"], given["images"], given["labels"])
        sys.stdout.write(f"{classes(graphs['queries'], given['queries'], weights, given['images'])}\n")
        return
    if len({(about.get("study"), str(about["layers"])) for about in abouts}) > 1:
        sys.exit("the manifests are of different studies: time those of one study together")
    files_of = zip(manifests, abouts, strict=True)
    adapting = [session(path.with_name(about["graphs"]["adaptation"]["file"])) for path, about in files_of]
    found, target = record(abouts, adapting), manifests[0].with_name("times.json")
    for each in found["times"]:
        took = float(np.median(each["milliseconds"]))
        sys.stdout.write(f"{each['pattern']} x {each['steps']}: {took:.3f} ms here, median of {ROUNDS}\n")
    target.write_text(json.dumps(found, indent=1), encoding="utf-8")
    sys.stdout.write(f"written: {target}\n")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
