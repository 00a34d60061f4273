"""The app as its users meet it; studies and data lie where the environment says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from lambda_core.selection import compare_candidates
from lambda_core.studies import Study
from tests.support.images import write_images
from tests.support.synthetic import write_study

APP = Path(__file__).resolve().parents[2] / "app"

Open = Callable[..., AppTest]


@pytest.fixture(scope="session")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two measured studies, one of them with three step sizes, and one that is only trained."""
    root = tmp_path_factory.mktemp("studies")
    write_study(root, "cifar-fs-5w1s", episodes=300)
    write_study(root, "lr-5w1s", episodes=40, max_steps=3, lr_scales=(0.5, 1.0, 2.0), steps=3)
    write_study(root, "young-5w1s", measured=False)
    return root


@pytest.fixture(scope="session")
def study(studies: Path) -> Study:
    """The first of them."""
    return Study.load(studies / "cifar-fs-5w1s")


@pytest.fixture(scope="session")
def table(study: Study) -> pd.DataFrame:
    """Its candidates, judged at a threshold of 1 point."""
    return compare_candidates(study.split("val"), study.timing, study.config.steps).table(1.0)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root whose cifar-fs holds 7 classes a split, 20 small noisy images a class."""
    root = tmp_path_factory.mktemp("images")
    write_images(root / "cifar-fs")
    return root


@pytest.fixture
def open_page(studies: Path, images: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """open_page("live", study="young-5w1s"): the page at that address, run once."""
    monkeypatch.setenv("LAMBDA_STUDIES", str(studies))
    monkeypatch.setenv("LAMBDA_DATA", str(images))

    def go(page: str = "explore", **address: str) -> AppTest:
        app = AppTest.from_file(str(APP / "script.py"), default_timeout=60)
        if page:  # the other pages are known by their addresses only once the first has run
            checked(app.run()).switch_page(f"{page}/page.py")
        for name, text in address.items():
            app.query_params[name] = text
        return checked(app.run())

    return go


def checked(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].stack_trace
    return app


def headline(app: AppTest) -> str:
    """The sentence at the top of Explore."""
    return app.markdown[0].value


def said(app: AppTest) -> str:
    """All that is written on the page outside of controls."""
    kinds = (app.markdown, app.caption, app.warning, app.error, app.info)
    return "\n".join(element.value for kind in kinds for element in kind)


def param(app: AppTest, name: str) -> str | None:
    """A value of the address."""
    value = app.query_params.get(name)
    return value[0] if isinstance(value, list) else value
