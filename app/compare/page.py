"""Compare: studies and patterns side by side."""

from app.compare import differences
from app.shared import page, url_state

studies = differences.studies_picker()
colors = page.colors()

tabs = page.tabs("view", {
    "heat": "Pattern × steps", "differences": "Episode by episode", "first": "After one step", "transfer": "Transfer",
})  # fmt: skip
if (tab := tabs["heat"]).open:
    with tab:
        differences.heat_maps(studies, colors)
if (tab := tabs["differences"]).open:
    with tab:
        differences.episode_by_episode(studies, colors)
if (tab := tabs["first"]).open:
    with tab:
        differences.first_steps(studies, url_state.value("confidence"), colors)
if (tab := tabs["transfer"]).open:
    with tab:
        differences.transfer_table(studies)
