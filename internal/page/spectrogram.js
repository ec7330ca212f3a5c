// The spectrogram: tiles of numbers drawn on a canvas, with axes in s, Hz and dB.
import { clamp, clock, frequencyTicks, hertz, ramp, styled, ticks } from "page/scale.js";

/** @typedef {import("page/scale.js").Box} Box */

/** What is known of the pictures of a recording.
 * @typedef {object} Grid
 * @property {number} rate Hz
 * @property {number} samples
 * @property {number} columns
 * @property {number} hop samples from column to column
 * @property {number} middle s, of column 0
 * @property {number} rows
 * @property {number} low Hz, lower edge of row 0
 * @property {number} high Hz, upper edge of the last row
 * @property {number} tileColumns
 * @property {number} levels
 * @property {number} decibelStep dB a step of a tile's numbers; 255 is 0 dB of full scale */

/** Gets a tile, rows from the lowest up. @typedef {(level: number, index: number) => Promise<Uint8Array>} Tiles */

/** A rectangle that is drawn over the spectrogram.
 * @typedef {{box: Box, colour: string, label?: string, dashed?: boolean, filled?: boolean, bare?: boolean}} Mark, bare: without an outline */

const colouring = 4; // ms of a frame

const margins = { left: 56, right: 96, top: 10, bottom: 26 };

export class Spectrogram {
  /** @param {HTMLCanvasElement} canvas @param {Grid} grid @param {Tiles} tiles */
  constructor(canvas, grid, tiles) {
    this.canvas = canvas;
    this.grid = grid;
    this.seconds = grid.samples / grid.rate;
    this.draw2d = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    /** @type {Box} */ this.view = { from: 0, to: this.seconds, low: grid.low, high: grid.high };
    this.quietest = -90;
    this.loudest = -10;
    this.mixture = new TileCache(tiles);
    /** @type {{cache: TileCache, colour: string} | null} */ this.lit = null;
    /** @type {Mark[]} */ this.marks = [];
    /** @type {Box | null} */ this.selection = null;
    this.looped = false;
    this.playhead = 0;
    /** Called when the view has changed. @type {() => void} */ this.onview = () => {};
    this.waiting = false;
    this.mixture.onload = () => this.redraw();
    /** Called when a scale was chosen that suits the recording. @type {() => void} */ this.onscale = () => {};
    tiles(grid.levels - 1, 0).then((b) => this.suit(b), () => {});
    new ResizeObserver(() => this.redraw()).observe(canvas);
  }

  /** Lights up what a mask has, or nothing. @param {Tiles | null} tiles @param {string} [colour] */
  light(tiles, colour = "#ffffff") {
    this.lit = tiles && { cache: new TileCache(tiles), colour };
    if (this.lit) this.lit.cache.onload = () => this.redraw();
    this.redraw();
  }

  /** @param {number} quietest dB @param {number} loudest dB */
  range(quietest, loudest) {
    this.quietest = quietest;
    this.loudest = Math.max(loudest, quietest + 5);
    this.recolour();
  }

  /** Chooses a scale by the whole recording: from its loudest down. @param {Uint8Array} b */
  suit(b) {
    const most = b.reduce((x, y) => Math.max(x, y), 0);
    if (!most) return;
    const loudest = clamp(Math.ceil(((most - 255) * this.grid.decibelStep) / 5) * 5, -60, 0);
    this.range(Math.max(-127, loudest - 75), loudest);
    this.onscale();
  }

  /** Forgets the colours of tiles, not their numbers. */
  recolour() {
    this.mixture.forget();
    this.lit?.cache.forget();
    this.redraw();
  }

  redraw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paint();
    });
  }

  /** The plot inside the margins, in CSS pixels. */
  get plot() {
    const w = this.canvas.clientWidth, h = this.canvas.clientHeight;
    return { x: margins.left, y: margins.top, w: Math.max(1, w - margins.left - margins.right), h: Math.max(1, h - margins.top - margins.bottom) };
  }

  /** @param {number} t */
  x(t) {
    const p = this.plot;
    return p.x + (p.w * (t - this.view.from)) / (this.view.to - this.view.from);
  }

  /** @param {number} hz */
  y(hz) {
    const p = this.plot;
    return p.y + p.h * (1 - Math.log(hz / this.view.low) / Math.log(this.view.high / this.view.low));
  }

  /** The time and frequency of a point of the canvas. @param {number} x @param {number} y */
  at(x, y) {
    const p = this.plot, v = this.view;
    return {
      t: clamp(v.from + ((x - p.x) / p.w) * (v.to - v.from), 0, this.seconds),
      hz: clamp(v.low * (v.high / v.low) ** (1 - (y - p.y) / p.h), this.grid.low, this.grid.high),
    };
  }

  /** Shows a part, as much of it as there is. @param {Partial<Box>} part */
  show(part) {
    const v = { ...this.view, ...part };
    const least = Math.min(this.seconds, 16 * this.grid.hop / this.grid.rate);
    const width = clamp(v.to - v.from, least, this.seconds);
    const from = clamp(v.from, 0, this.seconds - width);
    const octaves = clamp(Math.log2(v.high / v.low), 1, Math.log2(this.grid.high / this.grid.low));
    const low = clamp(v.low, this.grid.low, this.grid.high / 2 ** octaves);
    this.view = { from, to: from + width, low, high: low * 2 ** octaves };
    this.redraw();
    this.onview();
  }

  /** @param {number} factor below 1 nears @param {number} t what stays where it is */
  zoom(factor, t) {
    const v = this.view;
    const width = (v.to - v.from) * factor;
    const part = (t - v.from) / (v.to - v.from);
    this.show({ from: t - part * width, to: t + (1 - part) * width });
  }

  /** @param {number} factor @param {number} hz */
  zoomFrequency(factor, hz) {
    const v = this.view;
    this.show({ low: hz * (v.low / hz) ** factor, high: hz * (v.high / hz) ** factor });
  }

  /** @param {number} part of the view @param {number} [octaves] */
  pan(part, octaves = 0) {
    const v = this.view, by = part * (v.to - v.from);
    this.show({ from: v.from + by, to: v.to + by, low: v.low * 2 ** octaves, high: v.high * 2 ** octaves });
  }

  paint() {
    const c = this.draw2d, ratio = devicePixelRatio || 1;
    const w = this.canvas.clientWidth, h = this.canvas.clientHeight;
    if (!w || !h) return;
    if (this.canvas.width !== Math.round(w * ratio) || this.canvas.height !== Math.round(h * ratio)) {
      this.canvas.width = Math.round(w * ratio);
      this.canvas.height = Math.round(h * ratio);
    }
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.fillStyle = styled("--panel");
    c.fillRect(0, 0, w, h);
    const p = this.plot;
    c.save();
    c.beginPath();
    c.rect(p.x, p.y, p.w, p.h);
    c.clip();
    this.paintTiles(ratio);
    this.paintMarks();
    c.restore();
    this.paintAxes();
    this.paintScale();
    this.paintPlayhead();
  }

  /** @param {number} ratio */
  paintTiles(ratio) {
    const c = this.draw2d, g = this.grid, v = this.view, p = this.plot;
    const column = (/** @type {number} */ t) => (t - g.middle) * (g.rate / g.hop) + 0.5;
    const perPixel = (column(v.to) - column(v.from)) / (p.w * ratio);
    const level = clamp(Math.floor(Math.log2(Math.max(1, perPixel))), 0, g.levels - 1);
    const run = g.tileColumns << level;
    const colours = ramp();
    c.fillStyle = `rgb(${colours[0]},${colours[1]},${colours[2]})`;
    c.fillRect(p.x, p.y, p.w, p.h);
    c.imageSmoothingEnabled = true;
    const top = this.y(g.high), height = this.y(g.low) - top;
    const first = Math.max(0, Math.floor(column(v.from) / run));
    // Colouring takes a part of a frame alone: what is left is coloured in the next.
    const began = performance.now();
    let coloured = 0, later = false;
    const inTime = (/** @type {() => HTMLCanvasElement} */ draw) => {
      if (coloured++ && performance.now() - began > colouring) {
        later = true;
        return null;
      }
      return draw();
    };
    for (let i = first; i * run < Math.min(g.columns, column(v.to)); i++) {
      const x0 = this.x(g.middle + ((i * run - 0.5) * g.hop) / g.rate);
      const x1 = this.x(g.middle + (((i + 1) * run - 0.5) * g.hop) / g.rate);
      const mix = this.mixture.picture(level, i, (b) => inTime(() => this.colourTile(b, colours)));
      if (mix) c.drawImage(mix, x0, top, x1 - x0, height);
      else this.paintCoarser(level, i, x0, x1, top, height);
      const numbers = this.mixture.numbers(level, i);
      const lit = this.lit;
      const mask = lit && numbers && lit.cache.picture(level, i, (b) => inTime(() => this.colourMask(b, numbers, lit.colour)));
      if (mask) c.drawImage(mask, x0, top, x1 - x0, height);
    }
    if (later) this.redraw();
  }

  /** Stands in for a tile that is on its way: a part of a coarser one that is there.
   * @param {number} level @param {number} i @param {number} x0 @param {number} x1 @param {number} top @param {number} height */
  paintCoarser(level, i, x0, x1, top, height) {
    for (let up = 1; level + up < this.grid.levels; up++) {
      const have = this.mixture.ready(level + up, i >> up);
      if (!have) continue;
      const w = this.grid.tileColumns >> up;
      this.draw2d.drawImage(have, (i - ((i >> up) << up)) * w, 0, w, this.grid.rows, x0, top, x1 - x0, height);
      return;
    }
  }

  /** What part of the colours a number is. @param {number} n */
  brightness(n) {
    const dB = (n - 255) * this.grid.decibelStep;
    return clamp((dB - this.quietest) / (this.loudest - this.quietest), 0, 1);
  }

  /** @param {Uint8Array} b @param {Uint8Array} colours */
  colourTile(b, colours) {
    const lut = new Uint32Array(256);
    for (let n = 0; n < 256; n++) {
      const i = 3 * Math.round(255 * this.brightness(n));
      lut[n] = 0xff000000 | (colours[i + 2] << 16) | (colours[i + 1] << 8) | colours[i];
    }
    return this.bitmap((out, to, from, n) => {
      for (let c = 0; c < n; c++) out[to + c] = lut[b[from + c]];
    });
  }

  /** @param {Uint8Array} mask @param {Uint8Array} mix @param {string} colour */
  colourMask(mask, mix, colour) {
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
    const rgb = (b << 16) | (g << 8) | r;
    const part = Float64Array.from({ length: 256 }, (_, n) => (n / 255) ** 0.7 * 235), bright = Float64Array.from({ length: 256 }, (_, n) => Math.sqrt(this.brightness(n)));
    return this.bitmap((out, to, from, n) => {
      for (let c = 0; c < n; c++) out[to + c] = (Math.round(part[mask[from + c]] * bright[mix[from + c]]) << 24) | rgb;
    });
  }

  /** @param {(out: Uint32Array, to: number, from: number, n: number) => void} row has ABGR of n numbers of a tile, number from on, written from pixel to on */
  bitmap(row) {
    const w = this.grid.tileColumns, h = this.grid.rows;
    const image = new ImageData(w, h);
    const out = new Uint32Array(image.data.buffer);
    for (let i = 0; i < h; i++) row(out, (h - 1 - i) * w, i * w, w);
    const canvas = document.createElement("canvas");
    canvas.width = w;
    canvas.height = h;
    /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
    return canvas;
  }

  paintMarks() {
    const c = this.draw2d;
    c.font = "12px system-ui, sans-serif";
    c.textBaseline = "top";
    for (const m of this.marks) {
      const { x, y, w, h } = this.rectangle(m.box);
      if (x + w < 0 || x > this.canvas.clientWidth) continue;
      c.globalAlpha = m.filled ? 0.3 : 0.12;
      c.fillStyle = m.colour;
      c.fillRect(x, y, w, h);
      c.globalAlpha = 1;
      if (m.label && (w > 24 || m.bare)) this.label(m.label, Math.max(x, this.plot.x) + 4, Math.max(y, this.plot.y) + 3, m.colour);
      if (m.bare) continue;
      c.setLineDash(m.dashed ? [5, 3] : []);
      c.lineWidth = 1.5;
      c.strokeStyle = m.colour;
      c.strokeRect(x, y, w, h);
      c.setLineDash([]);
    }
    if (this.selection) {
      const { x, y, w, h } = this.rectangle(this.selection);
      c.lineWidth = 3;
      c.strokeStyle = styled("--panel");
      c.strokeRect(x, y, w, h);
      c.lineWidth = 1.5;
      c.setLineDash(this.looped ? [] : [4, 4]);
      c.strokeStyle = styled("--ink");
      c.strokeRect(x, y, w, h);
      c.setLineDash([]);
      if (this.looped) this.label("loop", Math.max(x, this.plot.x) + 4, y + h - 18, styled("--ink"));
    }
  }

  /** @param {string} text @param {number} x @param {number} y @param {string} colour */
  label(text, x, y, colour) {
    const c = this.draw2d;
    const w = c.measureText(text).width + 8;
    c.fillStyle = styled("--panel");
    c.fillRect(x - 2, y - 1, w, 16);
    c.fillStyle = colour;
    c.fillText(text, x + 2, y + 1);
  }

  /** @param {Box} b */
  rectangle(b) {
    const x = this.x(b.from), y = this.y(Math.min(b.high, this.grid.high));
    return { x, y, w: Math.max(1, this.x(b.to) - x), h: Math.max(1, this.y(Math.max(b.low, this.grid.low)) - y) };
  }

  paintAxes() {
    const c = this.draw2d, p = this.plot, v = this.view;
    c.font = "12px system-ui, sans-serif";
    c.fillStyle = c.strokeStyle = styled("--soft");
    c.lineWidth = 1;
    c.textBaseline = "middle";
    c.textAlign = "right";
    let above = Infinity;
    for (const hz of frequencyTicks(v.low, v.high)) {
      const y = Math.round(this.y(hz)) + 0.5;
      if (above - y < 15) continue;
      above = y;
      c.beginPath();
      c.moveTo(p.x - 5, y);
      c.lineTo(p.x, y);
      c.stroke();
      c.fillText(hertz(hz), p.x - 8, clamp(y, p.y + 5, p.y + p.h - 5));
    }
    c.textAlign = "center";
    c.textBaseline = "top";
    const times = ticks(v.from, v.to, p.w / 90);
    const step = times.length > 1 ? times[1] - times[0] : 1;
    const digits = step < 0.02 ? 3 : step < 0.2 ? 2 : step < 1 ? 1 : 0;
    for (const t of times) {
      const x = Math.round(this.x(t)) + 0.5;
      c.beginPath();
      c.moveTo(x, p.y + p.h);
      c.lineTo(x, p.y + p.h + 5);
      c.stroke();
      const text = v.to < 60 ? `${t.toFixed(digits)} s` : clock(t, digits);
      const half = c.measureText(text).width / 2;
      c.fillText(text, clamp(x, p.x + half - 4, p.x + p.w - half + 4), p.y + p.h + 8);
    }
    c.strokeRect(p.x - 0.5, p.y - 0.5, p.w + 1, p.h + 1);
  }

  /** The bar that says what the colours are in dB of full scale. */
  paintScale() {
    const c = this.draw2d, p = this.plot, colours = ramp();
    const x = p.x + p.w + 14, w = 12;
    for (let i = 0; i < p.h; i++) {
      const n = 3 * Math.round(255 * (1 - i / p.h));
      c.fillStyle = `rgb(${colours[n]},${colours[n + 1]},${colours[n + 2]})`;
      c.fillRect(x, p.y + i, w, 1.5);
    }
    c.strokeStyle = c.fillStyle = styled("--soft");
    c.strokeRect(x - 0.5, p.y - 0.5, w + 1, p.h + 1);
    c.textAlign = "left";
    c.textBaseline = "middle";
    for (const dB of ticks(this.quietest, this.loudest, p.h / 50)) {
      const y = p.y + p.h * (1 - (dB - this.quietest) / (this.loudest - this.quietest));
      c.fillText(`${dB < 0 ? "−" : ""}${Math.abs(dB)} dB`, x + w + 6, clamp(y, p.y + 6, p.y + p.h - 6));
    }
  }

  paintPlayhead() {
    const p = this.plot, x = this.x(this.playhead), c = this.draw2d;
    if (x < p.x - 1 || x > p.x + p.w + 1) return;
    c.lineWidth = 4;
    c.strokeStyle = styled("--panel");
    for (let i = 0; i < 2; i++) {
      c.beginPath();
      c.moveTo(x, p.y);
      c.lineTo(x, p.y + p.h);
      c.stroke();
      c.lineWidth = 2;
      c.strokeStyle = styled("--accent");
    }
    c.fillStyle = styled("--accent");
    c.beginPath();
    c.moveTo(x - 6, p.y - 9);
    c.lineTo(x + 6, p.y - 9);
    c.lineTo(x, p.y + 1);
    c.fill();
  }
}

/** Tiles on their way, their numbers and their pictures; the ones that were not needed for
 * the longest time are forgotten. */
class TileCache {
  /** @param {Tiles} get */
  constructor(get) {
    this.get = get;
    /** @type {Map<string, {numbers: Uint8Array | null, picture: HTMLCanvasElement | null}>} */ this.kept = new Map();
    this.onload = () => {};
  }

  /** @param {number} level @param {number} i */
  entry(level, i) {
    const key = `${level}/${i}`;
    let e = this.kept.get(key);
    if (e) {
      this.kept.delete(key); // and back, as the newest
      this.kept.set(key, e);
      return e;
    }
    e = { numbers: null, picture: null };
    this.kept.set(key, e);
    const own = e;
    this.get(level, i).then(
      (b) => {
        own.numbers = b;
        this.onload();
      },
      () => this.kept.delete(key),
    );
    if (this.kept.size > 200) this.kept.delete(/** @type {string} */ (this.kept.keys().next().value));
    return e;
  }

  /** @param {number} level @param {number} i */
  numbers(level, i) {
    return this.entry(level, i).numbers;
  }

  /** @param {number} level @param {number} i @param {(b: Uint8Array) => HTMLCanvasElement | null} draw null: not yet */
  picture(level, i, draw) {
    const e = this.entry(level, i);
    if (!e.picture && e.numbers) e.picture = draw(e.numbers);
    return e.picture;
  }

  /** A picture that is there, without asking for it. @param {number} level @param {number} i */
  ready(level, i) {
    return this.kept.get(`${level}/${i}`)?.picture ?? null;
  }

  forget() {
    for (const e of this.kept.values()) e.picture = null;
  }
}
