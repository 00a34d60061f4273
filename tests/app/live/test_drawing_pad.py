"""What the pad sends is read with distrust."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from app.live import drawing_pad


def drawing(size: int) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(size * size, dtype=np.uint8).reshape(size, size)).save(buffer, "PNG")
    return drawing_pad.HEADER + base64.b64encode(buffer.getvalue()).decode()


def test_a_drawing_is_read() -> None:
    assert (drawing_pad.read_drawing(drawing(16), 16) == np.arange(256).reshape(16, 16)).all()


@pytest.mark.parametrize(
    "text", ["", "data:image/gif;base64,R0lGOD", drawing_pad.HEADER, drawing_pad.HEADER + "iVBORw0K", drawing(8)]
)
def test_what_is_no_drawing_of_this_pad_counts_as_empty(text: str) -> None:
    assert drawing_pad.read_drawing(text, 16) is None
