"""The parts of the Live page: where the episode comes from, the two patterns, the player."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from app.figures import adaptation, tradeoff
from app.figures.palette import Palette
from app.live import image_grid, own_images
from app.shared import adaptation_service, page, selection_cache, url_state
from lambda_core.errors import DataError
from lambda_core.patterns import LambdaPattern, describe_pattern
from lambda_core.studies import Study

if TYPE_CHECKING:
    from lambda_core.adaptation import Trace
    from lambda_core.episodes import Episode

MOST_STEPS = 20
PAUSE = 0.9  # seconds between two steps while playing
SOURCES = {"data": "From a data set", "images": "Your images", "draw": "Draw"}
SPLITS = {"test": "unseen test classes", "val": "validation classes", "train": "training classes"}


def no_images(study: Study) -> None:
    st.info(f"{study.title} adapts curves, not images: the Learn page shows it.", icon=":material/show_chart:")
    page.figure(tradeoff.training(study.training, page.colors()), "training", "Meta-training")


def suggestion(study: Study) -> str:
    """The pattern chosen at the present threshold, where the study is measured; else the head alone."""
    if not study.measured:
        return "0" * (len(study.layers) - 1) + "1"
    asked = (
        url_state.value("axis"),
        url_state.value("lrs"),
        url_state.value("threshold"),
        url_state.value("confidence"),
    )
    return selection_cache.choose(study, page.timing_key(study), *asked)[0].pattern


def study_and_source() -> tuple[Study, str]:
    """The row at the top: the study, and where its images come from."""
    one, two, three = st.columns([2.2, 1.8, 0.8], gap="medium", vertical_alignment="bottom")
    with one:
        study = page.study_picker(lambda study: study.config.dataset in adaptation_service.at_hand())
    with two:
        st.segmented_control(
            "Images", list(SOURCES), format_func=SOURCES.get, required=True, **url_state.bound("source")
        )
    with three.container(horizontal=True, horizontal_alignment="right", gap="small"):
        page.copy_link()
    return study, url_state.value("source")


def episode_of(study: Study, source: str) -> tuple[Any, Episode, str] | None:
    """(what it is made from, the episode, query statistics); None while images of one's own are still missing."""
    if source == "data":
        return _from_data(study)
    found = own_images.episode(study, source)
    return found and (*found, "support")


def _from_data(study: Study) -> tuple[Any, Episode, str]:
    one, two, three, _ = st.columns([1, 1, 1, 1.8], gap="medium", vertical_alignment="bottom")
    with one:
        st.number_input("Episode (seed)", 0, 999_999, step=1, **url_state.bound("seed"))
    with two:
        st.button("New episode", icon=":material/refresh:", on_click=_next_seed, width="stretch")
    with three, st.popover("Which classes", icon=":material/photo_library:", width="stretch"):
        data = _data_picker(study)
        split = st.selectbox("Classes from", list(SPLITS), format_func=SPLITS.get, **url_state.bound("split"))
        classes = _classes(study, data, split)
    if data != study.config.dataset:
        st.info(_foreign(study.config.dataset, data), icon=":material/info:")
    key = (data, split, url_state.value("seed"), classes)
    return key, adaptation_service.episode(*key, study), study.config.query_statistics


def _next_seed() -> None:
    url_state.put("seed", (url_state.value("seed") + 1) % 1_000_000)


def _data_picker(study: Study) -> str:
    """The study's own data set where it is at hand, else one that is."""
    at_hand = adaptation_service.at_hand()
    own = study.config.dataset
    asked = url_state.value("data") or own
    if asked not in at_hand:
        url_state.reject(
            "data", f"The data set {asked} is not at hand; {_how_to_get(asked)} Shown instead: {at_hand[0]}."
        )
        page.show_notices()
    fallback = own if own in at_hand else at_hand[0]
    return st.selectbox("Images", at_hand, **url_state.bound("data", fallback))


def _foreign(own: str, shown: str) -> str:
    """Why accuracy is poor: the images are not of the kind that the model learned on."""
    lacking = "" if own in adaptation_service.at_hand() else f" {own} is not on this computer; {_how_to_get(own)}"
    return f"This model learned on {own}; you are looking at {shown}, so expect little more than chance.{lacking}"


def _how_to_get(name: str) -> str:
    try:
        adaptation_service.dataset(name)
    except DataError as error:
        return str(error).rpartition("; ")[2] + "."
    return ""


def _classes(study: Study, data: str, split: str) -> tuple[str, ...]:
    """The classes picked by hand, if exactly as many as the network has outputs; else none: the seed picks."""
    names = adaptation_service.dataset(data).splits[split]
    text = url_state.value("classes")
    numbers = dict.fromkeys(map(int, text.split(","))) if text else ()  # each once, in this order
    picked = [names[number] for number in numbers if number < len(names)]
    ways = study.config.ways
    st.session_state["classes-control"] = picked[:ways]
    st.multiselect(
        f"Pick the {ways} classes yourself", names, format_func=image_grid.short_name, max_selections=ways,
        key="classes-control", placeholder="the seed picks", on_change=_classes_taken, args=(tuple(names),),
    )  # fmt: skip
    if 0 < len(picked) < ways:
        st.caption(f"{ways - len(picked)} more; until then the seed picks.")
    return tuple(picked) if len(picked) == ways else ()


def _classes_taken(names: tuple[str, ...]) -> None:
    chosen = st.session_state["classes-control"]
    url_state.put("classes", ",".join(str(names.index(name)) for name in chosen) or None)


def support(episode: Episode) -> None:
    st.html(image_grid.support_strip(episode.support_images, episode.support_y.numpy(), episode.class_names))


def steps_control(study: Study) -> int:
    """How many inner steps both patterns take."""
    steps = url_state.value("steps")
    steps = study.config.steps if steps is None else min(max(steps, 1), MOST_STEPS)
    st.session_state["live-steps"] = steps
    st.slider("Inner steps", 1, MOST_STEPS, key="live-steps", on_change=_steps_taken)
    return steps


def _steps_taken() -> None:
    url_state.put("steps", st.session_state["live-steps"])
    url_state.put("at", None)


def pattern_choice(field: str, title: str, study: Study, fallback: str, steps: int) -> LambdaPattern:
    pattern = page.pattern_of(field, study.layers, fallback)
    with st.container(border=True, gap="small"):
        st.markdown(f"**{title}** · {describe_pattern(str(pattern), study.layers)}")
        page.pattern_editor(field, study.layers, pattern, steps)
    return pattern


Patterns = dict[str, LambdaPattern]


def player(
    study: Study, episode: Episode, traces: dict[str, Trace], patterns: Patterns, steps: int, colors: Palette
) -> None:
    """Play, pause, step; only this part reruns while it plays."""
    playing = st.session_state.get("playing", False)
    st.fragment(_player, run_every=PAUSE if playing else None)(playing, study, episode, traces, patterns, steps, colors)


def _player(
    ticking: bool, study: Study, episode: Episode, traces: dict[str, Trace], patterns: Patterns, steps: int,
    colors: Palette,
) -> None:  # fmt: skip
    at = _controls(steps)
    if st.session_state.get("playing", False) != ticking:
        url_state.rerun()  # a fragment's clock is set from outside
    shades = (colors.accent, colors.other)
    labelled = url_state.value("source") == "data"
    traces = {f"{side} · {patterns[side]}": trace for side, trace in traces.items()}
    for column, (name, trace), side in zip(st.columns(2, gap="medium"), traces.items(), "ab", strict=True):
        with column:
            (_grid if labelled else _guesses)(episode, name, trace, at, f"ll-{side}", colors)
            ran = adaptation.plan(trace.plan, study.layers, at, colors)
            page.figure(ran, f"plan-{side}", _plan_alt(name, trace), still=True)
    st.caption(" · ".join(f"{sign or '▢'} {words}" for sign, words in adaptation.KINDS.values()))
    page.figure(adaptation.clock(traces, at, shades, colors), "clock", _clock_alt(traces), still=True)
    shown = ("accuracy", "support_loss") if labelled else ("support_loss",)
    for column, what in zip(st.columns(2, gap="medium"), shown, strict=False):
        with column:
            lines = adaptation.curves(traces, what, at, shades, colors)
            page.figure(lines, what, f"{what.replace('_', ' ').capitalize()} by inner step", still=True)
    url_state.write_address()


def _controls(steps: int) -> int:
    """The step shown; advances by itself while playing."""
    at = url_state.value("at")
    at = steps if at is None else min(at, steps)
    if st.session_state.get("playing"):
        at = min(at + 1, steps)
        url_state.put("at", at)
        st.session_state["playing"] = at < steps
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.button("Start over", icon=":material/first_page:", on_click=_go, args=(0, False))
        if st.session_state.get("playing"):
            st.button("Pause", icon=":material/pause:", on_click=_go, args=(at, False), type="primary")
        else:
            st.button("Play", icon=":material/play_arrow:", on_click=_go, args=(0 if at == steps else at, True),
                      type="primary")  # fmt: skip
        st.button("Next step", icon=":material/skip_next:", on_click=_go, args=(min(at + 1, steps), False))
        st.slider(f"Step shown, of {steps}", 0, steps, **url_state.bound("at", steps))
    return at


def _go(at: int, playing: bool) -> None:
    url_state.put("at", at)
    st.session_state["playing"] = playing


def _grid(episode: Episode, name: str, trace: Trace, at: int, key: str, colors: Palette) -> None:
    frame = trace.frames[at]
    labels, sure = episode.query_y.numpy(), frame.probabilities.max(axis=1)
    right = int((frame.predictions == labels).sum())
    st.markdown(f"**{name}** · {right} of {len(labels)} right after {at} steps")
    st.html(
        image_grid.query_grid(key, episode.query_images, labels, frame.predictions, sure, episode.class_names, colors)
    )


def _guesses(episode: Episode, name: str, trace: Trace, at: int, key: str, colors: Palette) -> None:
    st.markdown(f"**{name}** · after {at} {'step' if at == 1 else 'steps'}")
    st.html(image_grid.guesses(key, episode.query_images, trace.frames[at].probabilities, episode.class_names, colors))


def _plan_alt(name: str, trace: Trace) -> str:
    return f"What ran under {name}: {trace.plan.multiply_adds / 1e6:.1f} million multiply-adds"


def _clock_alt(traces: dict[str, Trace]) -> str:
    return "Adaptation time: " + ", ".join(f"{name} {trace.milliseconds[-1]:.1f} ms" for name, trace in traces.items())
