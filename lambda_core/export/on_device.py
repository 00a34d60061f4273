"""Adapts and scores with the exported graphs beside this file: needs numpy and onnxruntime, and no other file of ours.

    python on_device.py adapt.json episode.npz    # images, labels, queries: as the manifest's inputs; prints classes
    python on_device.py adapt.json                # without an episode: times an adaptation here, on images of noise

It goes with every archive that `archive` writes, so it imports nothing of the engine.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROUNDS = 30


def session(path: Path) -> Any:
    """One thread: for tensors this small a second one only waits."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def adapted(adapt: Any, images: Any, labels: Any) -> dict[str, Any]:
    """The weights of the updated layers, by name."""
    names = [output.name for output in adapt.get_outputs()]
    support = {"support_images": images.astype(np.float32), "support_labels": labels.astype(np.int64)}
    return dict(zip(names, adapt.run(names, support), strict=True))


def classes(score: Any, queries: Any, weights: dict[str, Any], images: Any) -> list[int]:
    """The class of each query."""
    given = {"query_images": queries.astype(np.float32), "support_images": images.astype(np.float32), **weights}
    wanted = {each.name for each in score.get_inputs()}
    (logits,) = score.run(None, {name: value for name, value in given.items() if name in wanted})
    return [int(each) for each in logits.argmax(axis=1)]


def milliseconds(adapt: Any, shape: list[int], ways: int) -> float:
    """Median of ROUNDS adaptations, after three that warm up."""
    images = np.random.default_rng(0).standard_normal(shape)
    labels = np.arange(shape[0]) % ways
    taken = []
    for _ in range(ROUNDS + 3):
        start = time.perf_counter()
        adapted(adapt, images, labels)
        taken.append(1000 * (time.perf_counter() - start))
    return float(np.median(taken[3:]))


def main(manifest: str, episode: str = "") -> None:
    about = json.loads(Path(manifest).read_text(encoding="utf-8"))
    graphs = {name: session(Path(manifest).with_name(each["file"])) for name, each in about["graphs"].items()}
    if episode:
        given = np.load(episode, allow_pickle=False)
        weights = adapted(graphs["adaptation"], given["images"], given["labels"])
        sys.stdout.write(f"{classes(graphs['queries'], given['queries'], weights, given['images'])}\n")
        return
    shape = about["graphs"]["adaptation"]["inputs"]["support_images"]
    ways = about["graphs"]["queries"]["outputs"]["logits"][-1]
    took = milliseconds(graphs["adaptation"], shape, ways)
    sys.stdout.write(f"{about['pattern']} x {about['steps']}: {took:.3f} ms here, median of {ROUNDS}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
