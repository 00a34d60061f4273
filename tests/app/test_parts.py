"""The parts that need no page: address fields, figures, tiles, the snippet that is taken along."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from pathlib import Path

import address
import charts
import charts_live
import numpy as np
import pad
import pandas as pd
import pytest
import take_away
import tiles
from palette import DARK, LIGHT, Palette
from PIL import Image

from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.patterns.plan import plan_adaptation
from lambda_core.selection.comparison import budget_curve, compare_candidates
from lambda_core.studies.study import Study

LAYERS = ("conv1", "conv2", "conv3", "conv4", "head")


@pytest.fixture(scope="module")
def study(shelf: Path) -> Study:
    return Study.load(shelf / "cifar-fs-5w1s")


@pytest.fixture(scope="module")
def table(study: Study) -> pd.DataFrame:
    val = study.accuracy[study.accuracy["split"] == "val"]
    return compare_candidates(val, study.timing, study.config.steps).table(1.0)


@pytest.mark.parametrize("name", address.FIELDS)
def test_every_default_survives_its_own_text(name: str) -> None:
    field = address.FIELDS[name]
    if field.default is not None:
        assert field.read(address.format_value(field.default)) == field.default


NONSENSE = [
    "1e999",
    "",
    "<script>",
    "٣",
    "1_0",
    "0" * 5000,
    "../..",
    "a b",
    "-1e-9",
    "NaN",
]  # the first would do as a name


@pytest.mark.parametrize("name", address.FIELDS)
def test_no_field_takes_nonsense(name: str) -> None:
    for text in NONSENSE[name in ("study", "studies", "data") :]:
        with pytest.raises(ValueError):  # noqa: PT011 (any ValueError becomes the notice)
            address.FIELDS[name].read(text)


@pytest.mark.parametrize("axis", ["milliseconds", "multiply_adds"])
@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_tradeoff_draws_every_candidate_and_carries_it(table: pd.DataFrame, axis: str, colors: Palette) -> None:
    loud = np.zeros(len(table), dtype=bool)
    figure = charts.tradeoff(table, axis=axis, threshold=1.0, loud=loud, marks=[], colors=colors)
    drawn = [tuple(point[:3]) for trace in figure.data if trace.customdata is not None for point in trace.customdata]
    assert len(drawn) == (table[axis] > 0).sum()
    assert set(drawn) <= set(table[["pattern", "steps", "lr"]].itertuples(index=False, name=None))


def test_tradeoff_tells_verdicts_by_shape(table: pd.DataFrame) -> None:
    loud = np.ones(len(table), dtype=bool)
    figure = charts.tradeoff(table, axis="milliseconds", threshold=1.0, loud=loud, marks=[], colors=LIGHT)
    shapes = [trace.marker.symbol for trace in figure.data if trace.name in ("pass", "undecided", "fail")]
    assert len(set(shapes)) == 3


def test_budget_curve_never_falls(study: Study) -> None:
    val = study.accuracy[study.accuracy["split"] == "val"]
    curve = budget_curve(compare_candidates(val, study.timing, study.config.steps), [0.0, 1.0, 2.0, 5.0])
    figure = charts.budget(curve, 1.0, LIGHT)
    assert (np.diff(figure.data[0].y) >= 0).all()


def test_cost_bars_write_large_counts_out() -> None:
    costs = {"full": np.array([2.4e9, 5.16e8]), "head": np.array([1.2e7, 2.1e6])}
    figure = charts.cost_bars(costs, ["conv1", "head"], LIGHT)
    assert [note.text.strip() for note in figure.layout.annotations] == ["2,916 M", "14.1 M"]


def test_plan_shows_each_cell_once() -> None:
    plan = plan_adaptation(LambdaPattern.parse("11111/00001/00000", 5), 4, [10, 20, 20, 20, 1])
    figure = charts_live.plan(plan, LAYERS, at=4, colors=LIGHT)
    signs = dict(zip(zip(figure.data[0].x, figure.data[0].y, strict=True), figure.data[0].text, strict=True))
    assert signs[1, 0] == "●"
    assert signs[2, 4] == "●"
    assert signs[3, 4] == signs[4, 0] == ""
    assert len(signs) == 4 * 5


def luminance(color: str) -> float:
    parts = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast_is_aa(colors: Palette) -> None:
    assert all(contrast(ink, colors.paper) >= 4.5 for ink in (colors.ink, colors.faint))
    marks = (colors.accent, colors.passes, colors.undecided, colors.fails, colors.other)
    assert all(contrast(mark, colors.paper) >= 3 for mark in marks)


def test_class_names_cannot_inject_markup() -> None:
    images, names = np.zeros((2, 8, 8, 1), np.uint8), ['"><img src=x onerror=alert(1)>', "<b>"]
    labels = np.arange(2)
    html = tiles.support_strip(images, labels, names)
    html += tiles.query_grid("ll-a", images, labels, labels[::-1], np.ones(2), names, LIGHT)
    assert "<img" not in html
    assert "<b>&lt;" not in html.replace("<b>1</b>", "")
    assert "✗2" in html


def test_query_grid_tells_right_from_wrong_by_sign() -> None:
    images, labels = np.zeros((4, 8, 8, 3), np.uint8), np.array([0, 0, 1, 1])
    html = tiles.query_grid("ll-a", images, labels, np.array([0, 1, 1, 1]), np.ones(4), ["a", "b"], LIGHT)
    assert (html.count("✓"), html.count("✗2")) == (3, 1)
    assert 'aria-label="3 of 4 query images right"' in html


def drawing(size: int) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(size * size, dtype=np.uint8).reshape(size, size)).save(buffer, "PNG")
    return pad.HEADER + base64.b64encode(buffer.getvalue()).decode()


def test_a_drawing_is_read() -> None:
    assert (pad.read_drawing(drawing(16), 16) == np.arange(256).reshape(16, 16)).all()


@pytest.mark.parametrize("text", ["", "data:image/gif;base64,R0lGOD", pad.HEADER, pad.HEADER + "iVBORw0K", drawing(8)])
def test_what_is_no_drawing_of_this_pad_counts_as_empty(text: str) -> None:
    assert pad.read_drawing(text, 16) is None


def test_json_is_plain_even_for_no_adaptation(study: Study, table: pd.DataFrame) -> None:
    still = table[table["steps"] == 0].iloc[0]
    facts = json.loads(take_away.as_json(study, still, 1.0, 0.95))
    assert facts["speed_up"] is None
    assert facts["pattern"] == "00000"


def test_the_snippet_runs(study: Study, shelf: Path, images: Path, tmp_path: Path) -> None:
    (tmp_path / "cached_results").symlink_to(shelf)
    code = take_away.as_python(study, "00011", 3, study.config.lr, "conv4 and head")
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=tmp_path,
        env={"LAMBDA_DATA": str(images), "PATH": "", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.endswith("of 75 queries right\n")
