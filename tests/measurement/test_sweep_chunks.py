"""What a sweep's folder says of its chunks is read with distrust: never opened where it is no regular file."""

from __future__ import annotations

import json
import os

import pytest

from lambda_core.config import SweepConfig
from lambda_core.errors import StudyError
from lambda_core.measurement.sweep_chunks import Claim


def test_a_claim_is_read_as_it_was_made(tmp_path):
    assert Claim.read(tmp_path) is None
    claim = Claim.of(SweepConfig(episodes=20), "weights data")
    content = {"config": claim.config, "fingerprint": "weights data", "episodes": 20}
    (tmp_path / "sweep.json").write_text(json.dumps(content))
    assert Claim.read(tmp_path) == claim


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"config": 3}', b"\xff", b"[" * 10**5])
def test_a_damaged_claim_is_a_sentence(tmp_path, content):
    (tmp_path / "sweep.json").write_bytes(content)
    with pytest.raises(StudyError, match=r"sweep\.json is damaged"):
        Claim.read(tmp_path)


def test_a_pipe_a_folder_and_a_link_elsewhere_are_not_waited_for(tmp_path):
    for number, make in enumerate((os.mkfifo, os.mkdir, lambda place: place.symlink_to("/dev/zero"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        make(folder / "sweep.json")
        with pytest.raises(StudyError, match=r"sweep\.json is damaged"):
            Claim.read(folder)
