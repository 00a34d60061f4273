"""Whatever an address or a form holds: a value of the right kind or a notice; a job's words are its settings'."""

from __future__ import annotations

import os
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.shared.job_words import as_options
from app.shared.url_fields import FIELDS, format_value
from lambda_core.commands.main import main
from lambda_core.config import MetaTrainConfig, Settings, SweepConfig, TimingConfig, kind
from lambda_core.errors import LambdaError
from lambda_core.jobs import start_job
from tests.app.conftest import APP, Open, images, open_page, studies, study  # noqa: F401 (fixtures)

TRIES = int(os.environ.get("LAMBDA_TRIES", "100"))
TRIED = settings(
    max_examples=TRIES,
    deadline=None,
    database=None,
    derandomize="LAMBDA_TRIES" not in os.environ,  # more tries are other ones: those of --hypothesis-seed
    suppress_health_check=list(HealthCheck),
)
HOSTILE = [
    "", "..", "../../etc/passwd", "<script>", "%00", "\0", "9" * 40, "nan", "inf", "-1", "1e999", "٣", "x" * 5000,
    "00001", "11111/00001", "0" * 41, "a,b,c", "1,2,3", "cifar-fs-5w1s", "lr-5w1s", "young-5w1s", "1", "0", "--json",
]  # fmt: skip
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
text = st.one_of(st.text(max_size=30), st.sampled_from(HOSTILE), st.from_regex(r"[01/,.e-]{1,12}", fullmatch=True))


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_reads_what_it_writes_and_refuses_the_rest(name: str) -> None:
    field = FIELDS[name]

    @TRIED
    @given(given=text)
    def tried(given: str) -> None:
        try:
            value = field.read(given)
        except ValueError:
            return
        written = format_value(value)
        assert format_value(field.read(written)) == written
        assert "\0" not in written
        assert ".." not in written or name in ("threshold", "lr")

    tried()


PAGES = ["front", "explore", "live", "learn", "compare", "run", "about"]
addresses = st.dictionaries(st.one_of(st.sampled_from(list(FIELDS)), st.text(max_size=9)), text, max_size=6)


@pytest.mark.parametrize("page", [page for page in PAGES if (APP / page).is_dir()])
def test_a_page_opens_at_any_address(page: str, open_page: Open) -> None:  # noqa: F811
    @settings(TRIED, max_examples=max(3, TRIES // 30))
    @given(address=addresses)
    def tried(address: dict[str, str]) -> None:
        open_page(page, **address)  # it holds that there is no exception

    tried()


def options_of(command: str, line: list[str]) -> dict[str, Any]:
    """The settings as the command line reads them."""
    with main.commands[command].make_context(command, line, resilient_parsing=False) as context:
        return context.params


def values_of(config: type[Settings]) -> st.SearchStrategy[dict[str, Any]]:
    """Settings as a form may send them: of the right kinds, in the right ranges, texts at will."""
    kinds = {int: st.integers(1, 50), float: st.floats(0.001, 1.0), bool: st.booleans(), str: text}
    items = [item for item in fields(config) if not item.metadata["choices"]]  # type: ignore[arg-type]
    sent = {item.name: kinds[kind(item)] for item in items}
    return st.fixed_dictionaries(sent | ({"dataset": st.just("tiny")} if "dataset" in sent else {}))


@pytest.mark.parametrize(
    ("command", "config"), [("train", MetaTrainConfig), ("sweep", SweepConfig), ("time", TimingConfig)]
)
def test_a_forms_settings_arrive_as_they_are(command: str, config: type[Settings]) -> None:
    named, more = ([], ["--out", "x"]) if command == "train" else (["mine"], [])

    @TRIED
    @given(values=values_of(config))
    def tried(values: dict[str, Any]) -> None:
        try:
            asked = config.from_dict(values)
        except LambdaError:
            return
        line = as_options(asked)
        assert all(isinstance(word, str) for word in line)
        given = {name: value for name, value in asked.to_dict().items() if value != ""}
        read = options_of(command, [*named, *line, *more])
        assert {name: read[name] for name in given} == given

    tried()


@TRIED
@given(words=st.lists(text, max_size=5), name=text)
def test_no_other_job_starts(words: list[str], name: str) -> None:
    with pytest.raises(LambdaError, match="a job runs one of"):
        start_job(["rm", *words], "mine", Path("/nonexistent"))
    assume(not NAME.fullmatch(name))
    with pytest.raises(LambdaError, match="is no name for a study"):
        start_job(["train", *words], name, Path("/nonexistent"))
