"""The five scenes of the Learn page. A scene writes its words, puts its controls, draws its figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.figures import adaptation, learning, tradeoff
from app.figures.palette import Palette
from app.shared import adaptation_service, page, selection_cache, study_cache, url_state
from lambda_core.errors import StudyError
from lambda_core.formatting import times
from lambda_core.patterns import LambdaPattern, describe_pattern, plan_adaptation
from lambda_core.selection import Choice, Confirmation, sentence
from lambda_core.studies import Study

MOST_STEPS = 10


@dataclass(frozen=True)
class Scene:
    """title: a statement; show(words, controls, colors): fills both containers and draws where it is called."""

    title: str
    show: Callable[[DeltaGenerator, DeltaGenerator, Palette], None]


def bar(number: int, present: bool) -> None:
    """From scene to scene, by click or by arrow key; present hides what a projector need not show."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="scene-bar"):
        st.button("Back", icon=":material/arrow_back:", on_click=_turn, args=(number - 1,), disabled=number == 1,
                  shortcut="Left")  # fmt: skip
        st.button("Next", icon=":material/arrow_forward:", on_click=_turn, args=(number + 1,),
                  disabled=number == len(SCENES), shortcut="Right", type="primary")  # fmt: skip
        st.caption(f"Scene {number} of {len(SCENES)}")
        st.toggle("Present", help="For the projector: larger type, no controls but these", **url_state.bound("present"))
        if not present:
            page.copy_link()


def _turn(number: int) -> None:
    url_state.put("scene", number)


def _study(*, sinusoid: bool = False) -> Study:
    """The study a scene draws from: the one picked elsewhere if it fits, else the first that does."""
    shelf, _ = study_cache.shelf()
    fitting = {name: s for name, s in shelf.items() if (s.config.ways == 1 if sinusoid else s.measured)}
    if not fitting:
        what = "sinusoid" if sinusoid else "glyphs"
        raise StudyError(f"this scene needs a {'sinusoid' if sinusoid else 'measured'} study: `lambda-core train "
                         f"--dataset {what} --out cached_results/{what}` makes one")  # fmt: skip
    return fitting.get(url_state.value("study") or "", next(iter(fitting.values())))


def _steps(controls: DeltaGenerator, label: str = "Inner steps", least: int = 1) -> int:
    asked = url_state.value("steps")
    steps = 5 if asked is None else min(max(asked, least), MOST_STEPS)
    st.session_state["scene-steps"] = steps
    controls.slider(label, least, MOST_STEPS, key="scene-steps", on_change=_steps_taken)
    return steps


def _steps_taken() -> None:
    url_state.put("steps", st.session_state["scene-steps"])


def sine_scene(words: DeltaGenerator, controls: DeltaGenerator, colors: Palette) -> None:
    study = _study(sinusoid=True)
    adaptation_service.start()
    with controls:
        steps = _steps(controls, "Inner steps taken", least=0)
        pattern = page.pattern_of("sine", study.layers, "111")
        page.pattern_editor("sine", study.layers, pattern, 1)
        st.button("Another curve", icon=":material/refresh:", on_click=_another_curve)
    found = adaptation_service.sine(study, url_state.value("seed"), pattern, MOST_STEPS)
    words.markdown(
        f"MAML learns weights from which a few gradient steps fit a *new* task. Here the task is a sine curve, known "
        f"from {len(found.support)} points only. Before adapting, the network draws an average of all curves. "
        f"After **{steps}** {'step' if steps == 1 else 'steps'} its error on the points is "
        f"**{found.losses[steps]:.3g}**, from {found.losses[0]:.3g} at the start."
    )
    figure = learning.sine(found, steps, colors)
    _draw(figure, "sine", f"A sine curve and the network's fit after {steps} steps")


def _another_curve() -> None:
    url_state.put("seed", (url_state.value("seed") + 1) % 1_000_000)


def freeze_scene(words: DeltaGenerator, controls: DeltaGenerator, colors: Palette) -> None:
    study = _study()
    pattern = page.pattern_of("pattern", study.layers, "00011")
    with controls:
        steps = _steps(controls)
        page.pattern_editor("pattern", study.layers, pattern, steps)
    plan = plan_adaptation(pattern, steps, _costs(study))
    full = plan_adaptation(LambdaPattern.named("maml", len(study.layers)), steps, _costs(study))
    ratio = full.multiply_adds / plan.multiply_adds if plan.multiply_adds else float("inf")
    words.markdown(
        f"A Lambda pattern says which layers an inner step may change; the others are frozen. This one updates "
        f"**{describe_pattern(str(pattern), study.layers)}**. Below the lowest updated layer nothing changes: there "
        "the first step computes the activations, later steps reuse them (=), and no gradient goes that far down. "
        f"That leaves **{times(ratio)}** less arithmetic than updating all layers."
    )
    figure = adaptation.plan(plan, study.layers, steps, colors, height=56)
    _draw(figure, "freeze", f"Plan of pattern {pattern} over {steps} steps")
    st.caption(" · ".join(f"{sign or '▢'} {told}" for sign, told in adaptation.KINDS.values()))


def _costs(study: Study) -> list[int]:
    if study.layer_costs is None:
        raise StudyError(f"study {study.name} does not record what its layers cost; `lambda-core time` does")
    return study.layer_costs


def time_scene(words: DeltaGenerator, controls: DeltaGenerator, colors: Palette) -> None:
    study = _study()
    steps = min(_steps(controls), int(study.accuracy["steps"].max()))
    choice = _choice(study)
    count = len(study.layers)
    ladder = ["0" * frozen + "1" * (count - frozen) for frozen in range(count)]
    rows = [
        selection_cache.find(choice.verdicts, LambdaPattern.parse(text, count), steps, study.config.lr)
        for text in ladder
    ]
    full, head = rows[0]["milliseconds"], rows[-1]["milliseconds"]
    words.markdown(
        f"Freeze the network from below, one layer at a time. Each bar is {steps} measured inner steps. Early layers "
        "see large images, so they cost most, forward and backward. Once only the head is updated, the convolutions "
        f"run once: **{head:.1f} ms** instead of **{full:.1f} ms**, {times(full / head)} faster."
    )
    figure = learning.ladder(ladder, rows, [describe_pattern(text, study.layers) for text in ladder], colors)
    _draw(figure, "ladder", "Adaptation time, freezing layers from below one by one")
    st.caption(f"{study.title}. {_conditions(study)}; medians and quartiles.")


def head_scene(words: DeltaGenerator, _: DeltaGenerator, colors: Palette) -> None:
    study = _study()
    choice = _choice(study)
    count = len(study.layers)
    named = {"maml": "all layers", "anil": "only the head", "boil": "all but the head"}
    table = choice.verdicts
    lines = {
        told: table[table["pattern"] == str(LambdaPattern.named(name, count))].sort_values("steps")
        for name, told in named.items()
    }
    steps = study.config.steps
    at = {name: float(rows.loc[rows["steps"] == steps, "accuracy"].iloc[0]) for name, rows in lines.items()}
    start = float(table.loc[table["steps"] == 0, "accuracy"].iloc[0])
    words.markdown(
        f"Without adapting, the network guesses: {start:.0%}. After {steps} steps on all layers it reaches "
        f"**{at['all layers']:.1%}**, with the head alone **{at['only the head']:.1%}**: meta-training has already "
        "made features in which new classes lie apart, so that a new last layer is most of what a task needs. Updating "
        f"all *but* the head gives {at['all but the head']:.1%}."
    )
    alt = "Accuracy by inner steps: all layers, only the head, all but the head"
    _draw(learning.by_steps(lines, start, colors), "head", alt)
    st.caption(f"{study.title}. Validation classes, {choice.episodes} episodes, 95 % intervals.")


def threshold_scene(words: DeltaGenerator, controls: DeltaGenerator, colors: Palette) -> None:
    study = _study()
    with controls:
        page.threshold_slider()
    choice, confirmation = _asked(study)
    words.markdown(
        "How much accuracy may speed cost? Say it as a threshold, and let the episodes decide: a pattern passes only "
        "if they show, with stated confidence and counting every pattern looked at, that it loses no more. The "
        f"fastest that passes is chosen.\n\n**{sentence(choice, confirmation, study.layers)}**"
    )
    table = choice.verdicts
    front = (table["on_front"] | table["reference"]).to_numpy()
    figure = tradeoff.tradeoff(
        table, axis="milliseconds", threshold=choice.threshold, loud=front,
        marks=tradeoff.usual_marks(table, choice, None, colors), colors=colors,
    )  # fmt: skip
    _draw(figure, "choose", "Accuracy against adaptation time, the chosen pattern marked")
    st.caption(f"{study.title}. {_conditions(study)}.")


def _choice(study: Study) -> Choice:
    return _asked(study)[0]


def _asked(study: Study) -> tuple[Choice, Confirmation]:
    return selection_cache.choose(
        study,
        page.timing_key(study),
        "milliseconds",
        False,
        url_state.value("threshold"),
        url_state.value("confidence"),
    )


def _draw(figure: go.Figure, key: str, alt: str) -> None:
    if url_state.value("present"):
        figure.update_layout(font_size=18, legend_font_size=18, height=max(figure.layout.height, 600))
        figure.update_xaxes(tickfont_size=17, title_font_size=18).update_yaxes(tickfont_size=17, title_font_size=18)
    page.figure(figure, key, alt, still=True)


def _conditions(study: Study) -> str:
    return f"Timed on {study_cache.timings(study)[page.timing_key(study)]}"


SCENES = (
    Scene("A few steps fit a new task", sine_scene),
    Scene("A pattern freezes layers", freeze_scene),
    Scene("The time goes into the lowest layers", time_scene),
    Scene("The head is often enough", head_scene),
    Scene("Choose under a threshold", threshold_scene),
)
