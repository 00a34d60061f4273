"""`data list` and `data show`: every state, and facts that a machine can read."""

from __future__ import annotations

import json

import pytest

from lambda_core.data import describe, list_datasets, load_dataset
from lambda_core.errors import DataError
from tests.support.making import write_prepared


def states(root):
    return {info.name: info.state for info in list_datasets(root)}


def test_an_empty_root_lists_what_is_built_in_and_what_can_be_fetched(tmp_path):
    expected = {"glyphs": "built in", "sinusoid": "built in"}
    expected |= dict.fromkeys(("cifar-fs", "fc100", "omniglot"), "not fetched")
    assert states(tmp_path) == states(tmp_path / "nowhere") == expected
    summaries = {info.name: info.summary for info in list_datasets(tmp_path)}
    assert "lambda-core data fetch omniglot" in summaries["omniglot"]


def test_prepared_and_damaged_ones_are_told_apart(tmp_path):
    write_prepared(tmp_path, "zebra")
    write_prepared(tmp_path, "fc100")
    (write_prepared(tmp_path, "cifar-fs") / "images.npy").write_bytes(b"no array")
    (write_prepared(tmp_path, "broken") / "labels.npy").unlink()
    found = list_datasets(tmp_path)
    assert [info.name for info in found] == ["glyphs", "sinusoid", "cifar-fs", "fc100", "omniglot", "broken", "zebra"]
    assert [info.state for info in found[2:]] == ["damaged", "prepared", "not fetched", "damaged", "prepared"]
    assert "images.npy" in found[2].summary
    assert "labels.npy is missing" in found[5].summary
    assert found[6].summary == "12 images 16×16×3, classes 2 / 2 / 2 (train / val / test)"


def test_what_is_no_data_set_is_not_listed(tmp_path):
    for name in ("music", ".mine.abc.part", "Upper"):
        (tmp_path / name).mkdir()
    (write_prepared(tmp_path, "mine").parent / "notes").write_text("a file")
    assert set(states(tmp_path)) == {"glyphs", "sinusoid", "cifar-fs", "fc100", "omniglot", "mine"}


def test_a_root_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    def denied(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.iterdir", denied)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        list_datasets(tmp_path)


def test_the_facts_of_a_data_set(tmp_path):
    write_prepared(tmp_path, labels=[0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 4])
    data = load_dataset("mine", tmp_path)
    facts = describe(data)
    assert json.loads(json.dumps(facts)) == facts
    assert facts == {
        "name": "mine", "source": "drawn by a test", "images": 12, "size": 16, "channels": 3, "classes": 6,
        "train_classes": 2, "val_classes": 2, "test_classes": 2, "smallest_class": "fox", "fewest_images": 1,
        "fingerprint": data.fingerprint(),
    }  # fmt: skip
