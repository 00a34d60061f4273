"""Images of an episode as HTML."""

from __future__ import annotations

import numpy as np

from app.figures.palette import LIGHT
from app.live import image_grid


def test_class_names_cannot_inject_markup() -> None:
    images, names = np.zeros((2, 8, 8, 1), np.uint8), ['"><img src=x onerror=alert(1)>', "<b>"]
    labels = np.arange(2)
    html = image_grid.support_strip(images, labels, names)
    html += image_grid.query_grid("ll-a", images, labels, labels[::-1], np.ones(2), names, LIGHT)
    assert "<img" not in html
    assert "<b>&lt;" not in html.replace("<b>1</b>", "")
    assert "✗2" in html


def test_query_grid_tells_right_from_wrong_by_sign() -> None:
    images, labels = np.zeros((4, 8, 8, 3), np.uint8), np.array([0, 0, 1, 1])
    html = image_grid.query_grid("ll-a", images, labels, np.array([0, 1, 1, 1]), np.ones(4), ["a", "b"], LIGHT)
    assert (html.count("✓"), html.count("✗2")) == (3, 1)
    assert 'aria-label="3 of 4 query images right"' in html
