// Components as strips: what they sound like, when, and where they belong.
import { bytes, colour, styled } from "page/scale.js";

/** @typedef {import("page/api.js").Component} Component */
/** @typedef {import("page/plan.js").Plan} Plan */
/** @typedef {import("page/plan.js").Level} Level */

/** What strips have done. All take the component's number, from 1 on.
 * @typedef {object} Acts
 * @property {(k: number) => void} choose
 * @property {(k: number) => void} play
 * @property {(k: number, change: Partial<Level>) => void} level
 * @property {(k: number, source: number) => void} assign */

export class Strips {
  /** @param {HTMLOListElement} list @param {Acts} acts */
  constructor(list, acts) {
    this.list = list;
    this.acts = acts;
    /** @type {Strip[]} */ this.strips = [];
    this.chosen = 0; // from 1 on
  }

  /** @param {Component[]} components @param {boolean} grouped whether they may be put into sources */
  set(components, grouped) {
    this.list.replaceChildren();
    this.strips = components.map((c, i) => new Strip(i + 1, c, this.acts, grouped));
    this.list.append(...this.strips.map((s) => s.item));
    if (this.chosen > components.length) this.chosen = 0;
    this.list.hidden = components.length === 0;
  }

  /** @param {Component[]} components with new suggestions */
  suggest(components) {
    components.forEach((c, i) => {
      if (this.strips[i]) this.strips[i].component = c;
    });
  }

  /** @param {Plan} plan @param {(k: number) => Level} level @param {number} playing the component that is heard alone, or 0
   * @param {(k: number) => number} of the source of a component */
  update(plan, level, playing, of) {
    for (const s of this.strips) s.update(plan, level(s.k), playing === s.k, this.chosen === s.k, of(s.k));
  }

  /** @param {{from: number, to: number}} view s @param {number} seconds of the recording */
  draw(view, seconds) {
    for (const s of this.strips) s.draw(view, seconds);
  }

  /** @param {number} k @param {boolean} [focus] */
  choose(k, focus = true) {
    this.chosen = k;
    const s = this.strips[k - 1];
    if (s && focus) {
      s.number.focus();
      s.item.scrollIntoView({ block: "nearest" });
    }
  }
}

class Strip {
  /** @param {number} k @param {Component} component @param {Acts} acts @param {boolean} grouped */
  constructor(k, component, acts, grouped) {
    this.k = k;
    this.component = component;
    this.spectrum = bytes(component.spectrum);
    this.activation = bytes(component.activation);
    this.source = -1;
    const item = document.createElement("li");
    this.item = item;
    item.className = "strip";
    item.innerHTML = `<div class="strip-side">
      <button class="number" aria-pressed="false" draggable="true"></button>
      <button class="tiny play" aria-label="Play component ${k} alone" title="Play alone (P)" aria-pressed="false">▶</button>
      <button class="tiny mute" aria-label="Mute component ${k}" title="Mute (M)" aria-pressed="false">M</button>
      <button class="tiny solo" aria-label="Solo component ${k}" title="Solo (S)" aria-pressed="false">S</button>
      <input class="gain" type="range" min="0" max="2" step="0.05" value="1" aria-label="Level of component ${k}">
      <select class="where" aria-label="Source of component ${k}"></select>
    </div>
    <canvas class="activation" role="img" aria-label="When component ${k} sounds"></canvas>
    <canvas class="spectrum" role="img" aria-label="Spectrum of component ${k}"></canvas>`;
    const find = (/** @type {string} */ q) => /** @type {HTMLElement} */ (item.querySelector(q));
    this.number = /** @type {HTMLButtonElement} */ (find(".number"));
    this.playButton = find(".play");
    this.mute = find(".mute");
    this.solo = find(".solo");
    this.gain = /** @type {HTMLInputElement} */ (find(".gain"));
    this.where = /** @type {HTMLSelectElement} */ (find(".where"));
    this.activationCanvas = /** @type {HTMLCanvasElement} */ (find(".activation"));
    this.spectrumCanvas = /** @type {HTMLCanvasElement} */ (find(".spectrum"));
    this.where.disabled = !grouped;
    this.number.draggable = grouped;
    this.number.onclick = () => acts.choose(k);
    this.activationCanvas.onclick = this.spectrumCanvas.onclick = () => acts.choose(k);
    this.playButton.onclick = () => acts.play(k);
    this.mute.onclick = () => acts.level(k, { mute: this.mute.getAttribute("aria-pressed") !== "true" });
    this.solo.onclick = () => acts.level(k, { solo: this.solo.getAttribute("aria-pressed") !== "true" });
    this.gain.onchange = () => acts.level(k, { gain: +this.gain.value });
    this.where.onchange = () => acts.assign(k, +this.where.value);
    this.number.ondragstart = (e) => {
      e.dataTransfer?.setData("text/x-component", String(k));
      e.dataTransfer?.setData("text/plain", `component ${k}`);
    };
  }

  /** @param {Plan} plan @param {Level} level @param {boolean} playing @param {boolean} chosen @param {number} source */
  update(plan, level, playing, chosen, source) {
    this.source = source;
    const own = colour(source);
    this.item.style.setProperty("--own", own);
    this.item.classList.toggle("chosen", chosen);
    this.number.textContent = String(this.k);
    const heard = Math.round(1000 * this.component.heard) / 10;
    const name = source >= 0 ? plan.sources[source] ?? "" : "no source";
    this.number.title = `Component ${this.k}: ${heard} % of the power, ${name}. Drag it to a source.`;
    this.number.setAttribute("aria-label", `Component ${this.k}, ${heard} % of the power, ${name}`);
    this.number.setAttribute("aria-pressed", String(chosen));
    this.playButton.setAttribute("aria-pressed", String(playing));
    this.mute.setAttribute("aria-pressed", String(level.mute));
    this.solo.setAttribute("aria-pressed", String(level.solo));
    this.gain.value = String(level.gain);
    this.options(plan, source);
  }

  /** @param {Plan} plan @param {number} source */
  options(plan, source) {
    const s = this.component.source;
    const suggested = source < 0 && s >= 0 && plan.sources[s] !== undefined;
    const none = suggested ? `${plan.sources[s]}? ${Math.round(100 * this.component.confidence)} %` : plan.method === "nmf" ? "–" : "";
    const texts = [none, ...plan.sources];
    if (this.where.options.length !== texts.length) {
      this.where.replaceChildren(...texts.map((_, i) => new Option("", String(i - 1))));
    }
    texts.forEach((text, i) => {
      if (this.where.options[i].text !== text) this.where.options[i].text = text;
    });
    this.where.value = String(source);
    this.where.classList.toggle("suggested", suggested);
  }

  /** @param {{from: number, to: number}} view @param {number} seconds */
  draw(view, seconds) {
    const soft = styled("--soft");
    const own = this.source >= 0 ? colour(this.source) : soft;
    const c = prepared(this.activationCanvas);
    if (c) {
      const { w, h } = c;
      const a = this.activation, at = (/** @type {number} */ x) => ((view.from + (x / w) * (view.to - view.from)) / seconds) * a.length;
      c.c.fillStyle = own;
      c.c.beginPath();
      c.c.moveTo(0, h);
      for (let x = 0; x < w; x++) {
        let most = 0;
        const from = Math.floor(at(x)), to = Math.max(from + 1, Math.floor(at(x + 1)));
        for (let i = from; i < Math.min(to, a.length); i++) most = Math.max(most, a[i]);
        c.c.lineTo(x, h - (h - 3) * (most / 255));
        c.c.lineTo(x + 1, h - (h - 3) * (most / 255));
      }
      c.c.lineTo(w, h);
      c.c.fill();
    }
    const d = prepared(this.spectrumCanvas);
    if (d) {
      d.c.strokeStyle = own;
      d.c.lineWidth = 1.2;
      d.c.beginPath();
      this.spectrum.forEach((v, i) => {
        const x = (i / (this.spectrum.length - 1)) * d.w, y = d.h - 1 - (d.h - 3) * (v / 255);
        if (i) d.c.lineTo(x, y);
        else d.c.moveTo(x, y);
      });
      d.c.stroke();
    }
  }
}

/** A canvas cleared and at the screen's resolution. @param {HTMLCanvasElement} canvas */
function prepared(canvas) {
  const ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
  if (!w || !h) return null;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
    canvas.width = Math.round(w * ratio);
    canvas.height = Math.round(h * ratio);
  }
  const c = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, w, h);
  return { c, w, h };
}
