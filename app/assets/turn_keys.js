// Arrow and page keys turn the scenes wherever the focus is, but in what takes the key itself: a text, a slider, a tab.
const TURNS = { ArrowLeft: "Back", PageUp: "Back", ArrowRight: "Next", PageDown: "Next" };
const TAKES_ARROWS = "input:not([type=checkbox]), textarea, select, [role=slider], [role=tab], [role=combobox]";

export default function () {
  const turn = (event) => {
    const turned = TURNS[event.key];
    const own = event.target.closest?.(TAKES_ARROWS);
    if (!turned || event.ctrlKey || event.altKey || event.metaKey || (own && !event.key.startsWith("Page"))) return;
    const bar = [...document.querySelectorAll(".st-key-scene-bar button")];
    const button = bar.find((each) => each.textContent.includes(turned));
    if (!button || button.disabled) return;
    event.preventDefault();
    event.stopPropagation();
    button.click();
  };
  document.addEventListener("keydown", turn, true);
  return () => document.removeEventListener("keydown", turn, true);
}
