"""Compare: studies and patterns side by side."""

import address
import contrasts
import widgets

studies = contrasts.studies_picker()
colors = widgets.colors()

tabs = widgets.tabs("view", {
    "heat": "Pattern × steps", "differences": "Episode by episode", "first": "After one step", "transfer": "Transfer",
})  # fmt: skip
if (tab := tabs["heat"]).open:
    with tab:
        contrasts.heat_maps(studies, colors)
if (tab := tabs["differences"]).open:
    with tab:
        contrasts.episode_by_episode(studies, colors)
if (tab := tabs["first"]).open:
    with tab:
        contrasts.first_steps(studies, address.value("confidence"), colors)
if (tab := tabs["transfer"]).open:
    with tab:
        contrasts.transfer_table(studies)
