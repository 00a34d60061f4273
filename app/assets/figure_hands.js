// What hands do to Explore's figure beyond a click on a candidate. Streamlit makes the figure anew at every change and
// tells the server of selections alone, so from here the server hears what was zoomed to, to draw it so again, and
// where the threshold's line was dropped. A finger is left to the page: a swipe scrolls, a tap arrives as a click.
const FIGURE = ".st-key-tradeoff .js-plotly-plot";

export default function ({ setStateValue, setTriggerValue }) {
  const watch = () => {
    const plot = document.querySelector(FIGURE);
    if (!plot?.on || plot.watched) return;
    plot.watched = true;
    plot.on("plotly_relayout", (change) => {
      const line = Object.keys(change).find((name) => /^shapes\[1\]\.y0$/.test(name));
      if (line) setTriggerValue("dropped", change[line]);
      else if (Object.keys(change).some((name) => /axis\.(range|autorange)/.test(name) || name === "dragmode"))
        setStateValue("zoom", zoom(plot.layout));
    });
  };
  const leave = (event) => event.target.closest?.(FIGURE) && event.stopImmediatePropagation();
  const observer = new MutationObserver(watch);
  observer.observe(document.body, { childList: true, subtree: true });
  watch();
  for (const kind of ["touchstart", "touchmove", "touchend"]) document.addEventListener(kind, leave, { capture: true, passive: true });
  return () => {
    observer.disconnect();
    for (const kind of ["touchstart", "touchmove", "touchend"]) document.removeEventListener(kind, leave, { capture: true });
  };
}

function zoom({ meta, dragmode, xaxis, yaxis }) {
  const whole = xaxis.autorange && yaxis.autorange;
  return { view: meta, dragmode, x: whole ? null : [...xaxis.range], y: whole ? null : [...yaxis.range] };
}
