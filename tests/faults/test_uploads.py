"""A visitor's images: shown right or refused in a sentence; decoded once; bounded; the others stay."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from random import Random

import pytest
import streamlit as st
from PIL import Image

from app.live import kept_images
from app.live.kept_images import Kept
from app.run.import_form import unpacked
from lambda_core.errors import DataError
from tests.faults.uploads import MAKERS, fault_of, generated
from tests.support.making import write_pictures

TRIES = 4  # of each kind


@pytest.mark.parametrize("number", range(len(MAKERS)))
def test_each_is_shown_right_or_refused(number: int) -> None:
    uploads = [generated(number + len(MAKERS) * turn, seed=1) for turn in range(TRIES)]
    assert [fault for upload in uploads if (fault := fault_of(upload)) is not None] == []


def test_each_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    whole = Image.open
    monkeypatch.setattr(Image, "open", lambda *given, **more: opened.append(given) or whole(*given, **more))
    sound, damaged = Kept("a.png", generated(0).data), Kept("b.png", b"no image")
    for _ in range(3):
        sound.picture(32, 3)
        with pytest.raises(DataError, match=r"b\.png is no readable"):
            damaged.picture(32, 3)
    assert len(opened) == 2
    sound.picture(32, 1)
    assert len(opened) == 3


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    state: dict[str, object] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def test_what_a_visitor_keeps_is_bounded(session: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_images, "MOST_BYTES", 100)
    kept_images.keep("here", [Kept(f"{number}.png", b"x" * 10) for number in range(7)], 5)
    assert [each.name for each in kept_images.kept_at("here")] == [f"{number}.png" for number in range(5)]
    assert "no room for 5.png, 6.png: 5 images" in str(session["here-refused"])
    kept_images.keep("there", [Kept("large.png", b"x" * 51), Kept("small.png", b"x" * 50)], 5)
    assert [each.name for each in kept_images.kept_at("there")] == ["small.png"]


def test_one_that_is_kept_is_not_kept_twice(session: dict[str, object]) -> None:
    kept_images.keep("here", [Kept("a.png", b"x"), Kept("a.png", b"x")], 1)
    kept_images.keep("here", [Kept("a.png", b"x")], 1)
    assert len(kept_images.kept_at("here")) == 1
    assert "here-refused" not in session


def zip_of(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in folder.rglob("*.png"):
            packed.write(path, path.relative_to(folder))
    return buffer.getvalue()


def test_a_damaged_zip_is_refused_in_a_sentence_or_unpacked(tmp_path: Path) -> None:
    whole = zip_of(write_pictures(tmp_path / "pictures", classes=6))
    ends = set()
    for seed in range(150):
        content, chance = bytearray(whole), Random(seed)
        for _ in range(chance.choice([1, 20])):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        try:
            with unpacked(io.BytesIO(content)) as folder:
                ends.add(folder.is_dir())
        except DataError as error:
            ends.add("refused" if str(error).isprintable() else str(error))
    assert ends == {True, "refused"}
