// A run as a page that opens from a disk: what passed its ports, drawn and played.
import { apart, bytes, colour, counted, frequencyTicks, hertz, styled, ticks, turnTheme } from "page/scale.js";
import { Spectrogram } from "page/spectrogram.js";

/** @typedef {{name: string, components: number[]}} Group */
/** @typedef {{port: string, columns: number, seconds: number, first: number, low: number, high: number, picture: string}} Power */
/** @typedef {{port: string, seconds: number, low: number, high: number, fitted: boolean, components: {spectrum: string, activation: string}[], of: number, objective: number[] | null, stop: string, groups: Group[]}} Factors */
/** @typedef {{port: string, of: number, seconds: number, atoms: {row: number, hz: number, unexplained: number, samples: string}[]}} Transform */
/** @typedef {{convention: string, definition: string, ratios: string[], sources: {reference: string, estimate: string, values: string[], over: string[]}[], warnings: string[]}} Metrics */
/** @typedef {{name: string, pipeline: {seed: number, stages: {id: string, use: string, in: {port: string, from: string[]}[] | null}[] | null}, powers: Power[], factors: Factors[], transforms: Transform[],
 * groups: {port: string, groups: Group[]}[], said: string[], sounds: {name: string, stage: string, source: string}[], beside: boolean, metrics: Metrics[], unmeasured: string}} Data */

/** @type {Data} */
const data = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("data")).textContent ?? "");

/** @param {string} tag @param {string} [text] @param {string} [name] of a class */
function make(tag, text, name) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (name) e.className = name;
  return e;
}

/** @param {string} title */
function section(title) {
  const s = make("section", undefined, "card");
  s.append(make("h2", title));
  /** @type {HTMLElement} */ (document.getElementById("report")).append(s);
  return s;
}

/** What is drawn again when the colours change. @type {(() => void)[]} */
const drawn = [];

/** A canvas that draws itself at its size. @param {string} label @param {number} height CSS pixels
 * @param {(c: CanvasRenderingContext2D, w: number, h: number) => void} draw */
function canvas(label, height, draw) {
  const e = /** @type {HTMLCanvasElement} */ (make("canvas"));
  e.setAttribute("role", "img");
  e.setAttribute("aria-label", label);
  e.style.height = `${height}px`;
  const act = () => {
    const ratio = devicePixelRatio || 1, w = e.clientWidth;
    if (!w) return;
    e.width = Math.round(w * ratio);
    e.height = Math.round(height * ratio);
    const c = /** @type {CanvasRenderingContext2D} */ (e.getContext("2d"));
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.font = "12px system-ui, sans-serif";
    draw(c, w, height);
  };
  drawn.push(act);
  new ResizeObserver(act).observe(e);
  return e;
}

function sounds() {
  const s = section("Sounds");
  if (data.beside) s.append(make("p", "The sounds are files beside this page.", "note"));
  /** @type {HTMLAudioElement[]} */ const all = [];
  for (const sound of data.sounds) {
    const row = make("div", undefined, "sound");
    const player = /** @type {HTMLAudioElement} */ (make("audio"));
    player.controls = true;
    player.preload = data.beside ? "none" : "metadata";
    player.src = sound.source;
    player.setAttribute("aria-label", sound.name);
    // One at a time, from where the last was: so that they can be compared.
    player.onplay = () => {
      const last = all.find((p) => p !== player && !p.paused);
      if (!last) return;
      player.currentTime = Math.min(last.currentTime, player.duration || Infinity);
      for (const p of all) if (p !== player) p.pause();
    };
    all.push(player);
    row.append(make("span", sound.name), player);
    s.append(row);
  }
}

/** @param {Power} p */
function power(p) {
  const s = section(`Spectrogram (${p.port})`);
  const e = /** @type {HTMLCanvasElement} */ (make("canvas", undefined, "wide"));
  e.setAttribute("role", "img");
  e.setAttribute("aria-label", `Spectrogram of ${p.port}, ${hertz(p.low)} to ${hertz(p.high)}, in dB below its greatest`);
  s.append(e);
  const all = bytes(p.picture), rows = all.length / p.columns, tileColumns = 256;
  const g = { rate: 1, hop: p.seconds, middle: p.first, samples: Math.max(p.seconds, p.first + p.columns * p.seconds), columns: p.columns, rows, low: p.low, high: p.high, tileColumns, levels: 1, decibelStep: 0.5 };
  const show = new Spectrogram(e, g, async (_, index) => {
    const out = new Uint8Array(rows * tileColumns);
    for (let i = 0; i < rows; i++) {
      for (let c = 0; c < tileColumns && index * tileColumns + c < p.columns; c++) out[i * tileColumns + c] = all[i * p.columns + index * tileColumns + c];
    }
    return out;
  });
  show.playhead = -1e9;
  show.range(-80, 0);
  drawn.push(() => show.recolour());
}

/** @param {Factors} f */
function factors(f) {
  const s = section(`Components (${f.port})`);
  const shown = f.components.length;
  s.append(make("p", `${counted(f.of, "component")}${shown < f.of ? `, of which the first ${shown} are shown` : ""}. ${f.stop}`, "note"));
  if (f.fitted) s.append(make("p", "The rows of W stand at the frequencies of the atoms of Φ.", "note"));
  const each = shown > 24 ? 26 : 44, height = shown * each + 30;
  const both = make("div", undefined, "factors");
  const groups = f.groups.length || data.factors.length > 1 || data.groups.length > 1 ? f.groups : data.groups[0]?.groups ?? [];
  const of = (/** @type {number} */ k) => groups.findIndex((g) => g.components.includes(k + 1));
  both.append(
    canvas(`W: the spectra of ${counted(shown, "component")}`, height, (c, w) => {
      f.components.forEach((x, k) => {
        line(c, bytes(x.spectrum), 34, w - 44, k * each + 4, each - 8, colour(of(k)), false, String(k + 1));
      });
      axis(c, 34, w - 44, shown * each, f.low ? frequencyTicks(f.low, f.high).map((hz) => [Math.log(hz / f.low) / Math.log(f.high / f.low), hertz(hz)]) : [[0, "row 1"]]);
    }),
    canvas(`H: the activations of ${counted(shown, "component")}`, height, (c, w) => {
      f.components.forEach((x, k) => {
        line(c, bytes(x.activation), 8, w - 28, k * each + 4, each - 8, colour(of(k)), true, "");
      });
      axis(c, 8, w - 28, shown * each, f.seconds ? ticks(0, f.seconds, (w - 28) / 90).map((t) => [t / f.seconds, `${+t.toPrecision(4)} s`]) : []);
    }),
  );
  s.append(both);
  if (f.objective && f.objective.length > 1) s.append(objective(f.objective));
}

/** The rows of a learnt Φ, each with its frequency. @param {Transform} t */
function transform(t) {
  const s = section(`Atoms (${t.port})`);
  const shown = t.atoms.length < t.of ? `The ${t.atoms.length} strongest of ${t.of} rows of Φ` : `The ${t.of} rows of Φ`;
  s.append(make("p", `${shown}, by the frequencies of the sinusoids nearest to them${t.seconds ? `; each lasts ${+(1000 * t.seconds).toPrecision(4)} ms` : ""}. In brackets: what of a row its sinusoid leaves unexplained.`, "note"));
  const all = make("div", undefined, "atoms");
  for (const a of t.atoms) {
    const x = bytes(a.samples), hz = t.seconds ? `${a.hz.toFixed(1)} Hz` : `${a.hz.toPrecision(4)} of the rate`, left = `${Math.round(100 * a.unexplained)} %`;
    const figure = make("figure");
    figure.append(
      canvas(`Row ${a.row} of Φ, near ${hz}, ${left} unexplained`, 48, (c, w, h) => {
        c.strokeStyle = styled("--main");
        c.beginPath();
        x.forEach((v, i) => {
          c.lineTo((w * (i + 0.5)) / x.length, h * (0.5 - (0.46 * (v - 128)) / 127));
        });
        c.stroke();
      }),
      make("figcaption", `${hz} (${left})`),
    );
    all.append(figure);
  }
  s.append(all);
}

/** @param {CanvasRenderingContext2D} c @param {Uint8Array} v @param {number} x @param {number} w @param {number} y @param {number} h
 * @param {string} own @param {boolean} filled @param {string} name */
function line(c, v, x, w, y, h, own, filled, name) {
  c.strokeStyle = c.fillStyle = own;
  c.lineWidth = 1.2;
  c.beginPath();
  c.moveTo(x, y + h);
  v.forEach((n, i) => {
    const at = x + (w * i) / Math.max(1, v.length - (filled ? 0 : 1));
    c.lineTo(at, y + h * (1 - n / 255));
    if (filled) c.lineTo(x + (w * (i + 1)) / v.length, y + h * (1 - n / 255));
  });
  if (filled) {
    c.lineTo(x + w, y + h);
    c.fill();
  } else c.stroke();
  c.fillStyle = styled("--soft");
  c.textAlign = "right";
  c.textBaseline = "middle";
  c.fillText(name, x - 8, y + h / 2);
}

/** @param {CanvasRenderingContext2D} c @param {number} x @param {number} w @param {number} y @param {[number, string][] | (string | number)[][]} marks */
function axis(c, x, w, y, marks) {
  c.strokeStyle = c.fillStyle = styled("--soft");
  c.lineWidth = 1;
  c.textBaseline = "top";
  c.textAlign = "center";
  c.beginPath();
  c.moveTo(x, y + 0.5);
  c.lineTo(x + w, y + 0.5);
  c.stroke();
  let free = -Infinity;
  for (const [part, text] of marks) {
    const at = x + w * Number(part), half = c.measureText(String(text)).width / 2;
    if (at - half < free) continue;
    c.beginPath();
    c.moveTo(at, y);
    c.lineTo(at, y + 5);
    c.stroke();
    c.fillText(String(text), at, y + 8);
    free = at + half + 8;
  }
}

/** @param {number[]} values */
function objective(values) {
  const least = Math.min(...values), most = Math.max(...values), [high, low] = apart(most, least);
  const scaled = (/** @type {number} */ v) => Math.log((v - least) / (most - least || 1) + 1e-4);
  return canvas(`Objective after each of ${counted(values.length, "iteration")}, from ${high} to ${low}`, 150, (c, w) => {
    const x = Math.max(70, Math.max(c.measureText(high).width, c.measureText(low).width) + 14), width = w - x - 30;
    c.strokeStyle = styled("--main");
    c.lineWidth = 2;
    c.beginPath();
    values.forEach((v, i) => {
      const at = x + (width * i) / Math.max(1, values.length - 1), y = 12 + 100 * (1 - (scaled(v) - Math.log(1e-4)) / -Math.log(1e-4));
      if (i) c.lineTo(at, y);
      else c.moveTo(at, y);
    });
    c.stroke();
    c.fillStyle = styled("--soft");
    c.textAlign = "right";
    c.textBaseline = "middle";
    if (high !== low) c.fillText(high, x - 8, 14);
    c.fillText(low, x - 8, 112);
    axis(c, x, width, 118, ticks(1, values.length, 8).filter(Number.isInteger).map((i) => [(i - 1) / Math.max(1, values.length - 1), `${i}`]));
    c.textAlign = "right"; // where it does not rise, nothing is drawn above its end
    c.fillText("objective, by iteration", x + width, 8);
  });
}

/** @param {string[]} head @param {string[][]} cells */
function table(head, cells) {
  const t = make("table"), line = make("tr");
  line.append(...head.map((h) => Object.assign(make("th", h), { scope: "col" })));
  t.append(line);
  for (const row of cells) {
    const r = make("tr");
    r.append(...row.map((x) => make("td", x)));
    t.append(r);
  }
  return t;
}

/** How near the stems are to references. */
function measured() {
  if (!data.metrics.length && !data.unmeasured) return;
  const s = section("Against references");
  if (data.unmeasured) s.append(make("p", `Not measured: ${data.unmeasured}`, "note"));
  for (const m of data.metrics) {
    const over = m.sources.some((x) => x.over.length);
    s.append(make("h3", m.convention), make("p", m.definition + (over ? "; in brackets: how far above the mixture" : ""), "note"),
      table(["reference", "stem", ...m.ratios.map((r) => `${r}, dB`)],
        m.sources.map((x) => [x.reference, x.estimate, ...x.values.map((v, i) => (over ? `${v} (${x.over[i]})` : v))])));
    for (const w of m.warnings) s.append(make("p", w, "note"));
  }
}

function rest() {
  for (const g of data.groups) {
    if (!g.groups.length) continue;
    section(`Sources (${g.port})`).append(table(["source", "components"], g.groups.map((x) => [x.name, x.components.join(", ") || "–"])));
  }
  const said = data.said.map((l) => JSON.parse(l));
  const warnings = said.filter((l) => l.level !== "INFO");
  if (said.length) {
    const s = section(warnings.length ? `Said, with ${warnings.length} ${warnings.length === 1 ? "warning" : "warnings"}` : "Said");
    s.append(table(["stage", "level", "what"], [...warnings, ...said.filter((l) => l.level === "INFO")].map((l) => {
      const { stage, level, message, ...more } = l;
      return [stage ?? "", level, `${message} ${Object.entries(more).map(([k, v]) => `${k}=${v}`).join(" ")}`];
    })));
  }
  const stages = data.pipeline.stages ?? [];
  if (stages.length) {
    section("Pipeline").append(make("p", `Seed ${data.pipeline.seed}`, "note"),
      table(["stage", "is", "takes"], stages.map((s) => [s.id, s.use, (s.in ?? []).map((i) => `${i.port} ← ${i.from.join(", ")}`).join("; ")])));
  }
}

const title = data.name || "Report of a run";
/** @type {HTMLElement} */ (document.getElementById("title")).textContent = title;
document.title = title;
if (data.sounds.length) sounds();
measured();
data.powers.forEach(power);
data.factors.forEach(factors);
data.transforms.forEach(transform);
rest();
/** @type {HTMLElement} */ (document.getElementById("theme")).onclick = () => {
  turnTheme();
  for (const draw of drawn) draw();
};
Object.assign(window, { audiosepPage: data });
