"""The parts of the About page."""

from __future__ import annotations

import streamlit as st

import lambda_core
from app.shared import study_bar, study_cache


def what_this_is() -> None:
    st.header("Fewer layers, the same accuracy", anchor=False)
    st.markdown(
        "MAML (Finn et al. 2017) trains a network so that a few gradient steps fit it to a new task from a handful of "
        "examples. On a small device those steps are the cost: each runs forward and backward through all layers. "
        "A *Lambda pattern* (Khabarlak 2022) says which layers an inner step updates. Layers below the lowest updated "
        "one never change, so that their activations are computed once and no gradient is carried to them: fewer "
        "layers updated is less time spent.\n\n"
        "Lambda Lab measures every pattern of a meta-trained model, on the same episodes and the same machine, and "
        "chooses the fastest whose loss of accuracy is *shown* to stay within what you allow."
    )
    st.page_link("explore/page.py", label="Choose a pattern", icon=":material/scatter_plot:")
    st.page_link("live/page.py", label="Watch it adapt", icon=":material/play_circle:")
    st.page_link("learn/page.py", label="See why it works", icon=":material/school:")


_WORDS = {
    "episode": "one few-shot task: a support set to adapt on, a query set to score on",
    "pattern, Λ": "which layers the inner loop updates at which step: rows are steps, columns are layers",
    "full pattern": "all ones: plain MAML, the reference for every other",
    "head": "the last layer, which names the classes; ANIL updates it alone, BOIL all layers but it",
    "step": "an inner step: one gradient step on the support set",
    "points lost": "accuracy of the full pattern minus that of the candidate, in percentage points, over the same "
    "episodes; negative is better than full",
    "speed-up": "adaptation time of the full pattern divided by that of the candidate, from one interleaved run",
    "pass, fail, undecided": "shown to lose at most the threshold; shown to lose more; more episodes are needed",
    "transductive": "queries are normalised by their own batch, as the literature reports with MAML",
    "front": "candidates that no other beats in both time and accuracy",
}


def words() -> None:
    st.subheader("Words", anchor=False)
    st.markdown("\n".join(f"- **{word}**: {meaning}" for word, meaning in _WORDS.items()))


def studies() -> None:
    st.subheader("Studies here", anchor=False)
    listed, errors = study_cache.studies()
    if not listed:
        st.info(study_bar.NO_STUDY, icon=":material/folder_open:")
    if listed:
        st.table({name: study.title for name, study in listed.items()}, border="horizontal")
    for study in listed.values():
        if study.not_measured:
            st.caption(study.not_measured)
    for error in errors:
        st.warning(str(error), icon=":material/broken_image:")


def sources() -> None:
    st.subheader("Sources", anchor=False)
    st.markdown(
        "- C. Finn, P. Abbeel, S. Levine: *Model-Agnostic Meta-Learning*, 2017, [arXiv 1703.03400](https://arxiv.org/abs/1703.03400)\n"
        "- K. Khabarlak: *Faster Optimization-Based Meta-Learning Adaptation Phase*, 2022, [arXiv 2206.05930](https://arxiv.org/abs/2206.05930)\n"
        "- A. Raghu et al.: *Rapid Learning or Feature Reuse?* (ANIL), 2020, [arXiv 1909.09157](https://arxiv.org/abs/1909.09157)\n"
        "- J. Oh et al.: *BOIL*, 2021, [arXiv 2008.08882](https://arxiv.org/abs/2008.08882)\n"
    )
    st.caption(f"Lambda Lab {lambda_core.__version__}, MIT licence. Nothing you do here leaves this server.")
