// Two adaptations race in slowed time, as they were recorded. The first frame is the start line, the last stays.
// A layer of the second lane is a button: the server is told the new pattern and sends what was recorded of that one.
const SIGNS = { forward: "→", backward: "←" };
const still = matchMedia("(prefers-reduced-motion: reduce)");

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".race");
  root.ask = (pattern) => setTriggerValue("pattern", pattern);
  const said = JSON.stringify(data);
  const late = root.wanted && data.lanes[1].pattern !== root.wanted; // an answer to a click before the last
  if (late || root.said === said) return;
  Object.assign(root, { said, wanted: "" });
  root.style.setProperty("--all", data.color);
  const focused = root.getRootNode().activeElement?.dataset?.name;
  root.race?.stop();
  root.race = new Race(root, data);
  if (focused) root.querySelector(`[data-name="${focused}"]`)?.focus();
  return () => root.race.stop();
}

function make(tag, properties = {}, ...children) {
  const { style, data, aria, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(style ?? {})) element.style.setProperty(name, value);
  for (const [name, value] of Object.entries(aria ?? {})) element.setAttribute(name === "role" ? name : `aria-${name}`, value);
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

class Race {
  constructor(root, data) {
    Object.assign(this, { root, data, episode: 0, at: 0, frame: 0 });
    this.ends = Math.max(...data.lanes.map((lane) => lane.milliseconds?.at(-1) ?? 0));
    this.lanes = data.lanes.map((lane, number) => new Lane(lane, number, data, this.ends, (pattern) => this.ask(pattern)));
    this.play = make("button", { type: "button", className: "first", data: { name: "play" }, onclick: () => this.toggle() });
    root.replaceChildren(...this.lanes.map((lane) => lane.element), this.bar());
    if (still.matches) this.draw(this.ends);
    else this.start(0);
  }

  bar() {
    const button = (text, onclick) => make("button", { type: "button", textContent: text, onclick, data: { name: text } });
    const parts = [this.play];
    if (this.data.episodes.length > 1) parts.push(button("Another episode", () => this.next()));
    const chosen = this.data.lanes[1].chosen;
    if (chosen) parts.push(button("Back to the chosen pattern", () => this.ask("")));
    this.where = make("span");
    return make("div", { className: "bar" }, ...parts, this.where);
  }

  ask(pattern) {
    this.root.wanted = pattern;
    this.root.ask(pattern);
  }

  next() {
    this.episode = (this.episode + 1) % this.data.episodes.length;
    this.start(0);
  }

  toggle() {
    if (this.frame) this.stop();
    else this.start(this.at >= this.ends ? 0 : this.at);
  }

  start(from) {
    this.stop();
    const begun = performance.now() - from * this.data.slower;
    const tick = (now) => {
      this.frame = requestAnimationFrame(tick);
      this.draw(Math.max(0, (now - begun) / this.data.slower));
      if (this.at >= this.ends) this.stop();
    };
    this.frame = requestAnimationFrame(tick);
    this.draw(from);
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.label();
  }

  draw(at) {
    this.at = Math.min(at, this.ends);
    for (const lane of this.lanes) lane.draw(this.at, this.episode);
    this.label();
  }

  label() {
    this.root.classList.toggle("moving", this.frame !== 0);
    const text = this.frame ? "Pause" : this.at >= this.ends ? "Play again" : "Play";
    if (this.play.textContent !== text) this.play.textContent = text;
    this.where.textContent = `${this.data.slower} times slower than measured · test episode ${this.data.episodes[this.episode] + 1}`;
  }
}

class Lane {
  constructor(lane, number, data, ends, ask) {
    Object.assign(this, { lane, queries: data.queries, ends });
    const head = make("div", { className: "head" }, make("p", { className: "title", textContent: lane.title }));
    if (lane.note) head.append(make("p", { className: "note", textContent: lane.note }));
    this.layers = data.layers.map((layer, place) => this.layer(layer, place, number === 1 && ask));
    const many = data.layers.length > 8 ? " many" : "";
    const net = make("div", { className: `net${many}`, aria: { role: "group", label: `Layers of ${lane.title}` } }, ...this.layers);
    this.element = make("section", { className: number ? "lane" : "lane all", aria: { label: lane.title } }, head);
    if (lane.milliseconds) this.element.append(this.body(net), this.track());
    else this.element.append(net, make("p", { className: "missing", textContent: "This pattern was not measured: take another." }));
    if (lane.milliseconds) head.append(this.count);
  }

  layer({ name, share }, place, ask) {
    const on = this.lane.pattern[place] === "1";
    const state = on ? "updated" : "frozen";
    const properties = { className: on ? "layer on" : "layer", style: { "--share": Math.max(share, 0.001) }, title: `${name}: ${state}` };
    const inside = [make("span", { textContent: name }), make("small", { textContent: on ? "●" : "○", aria: { hidden: "true" } })];
    if (!ask) return make("span", properties, ...inside);
    const button = make("button", { ...properties, type: "button", data: { name: `layer-${place}` }, aria: { pressed: on, label: `Update ${name}` } }, ...inside);
    button.onclick = () => {
      const digits = [...this.lane.pattern];
      digits[place] = digits[place] === "1" ? "0" : "1";
      this.lane.pattern = digits.join("");
      button.classList.toggle("on");
      button.setAttribute("aria-pressed", digits[place] === "1");
      ask(this.lane.pattern);
    };
    return button;
  }

  body(net) {
    this.tiles = Array.from({ length: this.queries }, () => make("i"));
    const across = Math.ceil(Math.sqrt(this.queries * 3));
    this.grid = make("div", { className: "tiles", style: { "grid-template-columns": `repeat(${across}, 1fr)` }, aria: { role: "img" } }, ...this.tiles);
    this.count = make("p", { className: "count" });
    return make("div", { className: "body" }, net, this.grid);
  }

  track() {
    this.fill = make("div", { className: "fill" });
    const place = (at) => `${(100 * at) / Math.max(this.ends, 1e-9)}%`;
    const ticks = this.lane.milliseconds.slice(1).map((at) => make("div", { className: "tick", style: { left: place(at) } }));
    return make("div", { className: "track", aria: { hidden: "true" } }, this.fill, ...ticks);
  }

  draw(now, episode) {
    const times = this.lane.milliseconds;
    if (!times) return;
    const at = Math.min(now, times.at(-1));
    const step = times.findLastIndex((time) => time <= at);
    const right = this.lane.right[episode][step];
    this.fill.style.width = `${(100 * at) / Math.max(this.ends, 1e-9)}%`;
    this.tiles.forEach((tile, number) => tile.classList.toggle("right", number < right));
    const said = `${right} of ${this.queries} right after ${step} ${step === 1 ? "step" : "steps"}`;
    this.count.replaceChildren(make("b", { textContent: `${at.toFixed(1)} ms` }), ` · ${said}`);
    if (this.said !== said) this.grid.setAttribute("aria-label", (this.said = said));
    this.pulse(step, (at - times[step]) / (times[step + 1] - times[step]));
  }

  pulse(step, share) {
    let active = [-1, ""];
    for (const [layer, kind, part] of this.lane.phases[step] ?? []) {
      if (share < part) {
        active = [layer, kind];
        break;
      }
      share -= part;
    }
    this.layers.forEach((layer, place) => {
      const runs = place === active[0];
      layer.classList.toggle("runs", runs);
      const sign = runs ? SIGNS[active[1]] : this.lane.pattern[place] === "1" ? "●" : "○";
      if (layer.lastChild.textContent !== sign) layer.lastChild.textContent = sign;
    });
  }
}
