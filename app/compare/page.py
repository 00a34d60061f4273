"""Compare: studies and patterns side by side."""

from app.compare import between_tab, differences_tab, heat_map_tab, one_step_tab, studies_bar, transfer_tab
from app.shared import page, selection_controls

studies = studies_bar.show()
settings = selection_controls.common_settings()
colors = page.colors()

page.show_tabs(
    "view",
    {
        "heat": ("Pattern × steps", lambda: heat_map_tab.show(studies, settings, colors)),
        "differences": ("Episode by episode", lambda: differences_tab.show(studies, settings, colors)),
        "between": ("Between studies", lambda: between_tab.show(studies, settings, colors)),
        "first": ("After one step", lambda: one_step_tab.show(studies, settings, colors)),
        "transfer": ("Transfer", lambda: transfer_tab.show(studies, settings)),
    },
)
