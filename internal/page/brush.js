// A brush: a drag that paints what it goes over, as regions side by side in time.

/** @typedef {import("page/spectrogram.js").Spectrogram} Spectrogram */
/** @typedef {import("page/scale.js").Box} Box */

const finest = 2 ** (1 / 24); // the edges of regions lie on quarter tones

/** A stroke of a brush over a spectrogram that keeps its view meanwhile. */
export class Stroke {
  /** @param {Spectrogram} s @param {number} radius CSS pixels */
  constructor(s, radius) {
    this.s = s;
    this.radius = radius;
    const v = s.view, pixel = (v.to - v.from) / s.plot.w;
    // Two frames at least, so that each region has one.
    this.seconds = Math.max((2 * s.grid.hop) / s.grid.rate, (radius / 3) * pixel);
    /** What is painted of each stretch of so many seconds. @type {Map<number, {low: number, high: number}>} */ this.columns = new Map();
    /** @type {{x: number, y: number} | null} */ this.last = null;
  }

  /** Goes on to a point of the canvas. @param {number} x @param {number} y */
  to(x, y) {
    const from = this.last ?? { x, y }, steps = Math.ceil(Math.hypot(x - from.x, y - from.y) / (this.radius / 3)) || 1;
    for (let i = 1; i <= steps; i++) this.dab(from.x + ((x - from.x) * i) / steps, from.y + ((y - from.y) * i) / steps);
    this.last = { x, y };
  }

  /** Paints a disc. @param {number} x @param {number} y */
  dab(x, y) {
    const s = this.s, r = this.radius, from = s.at(x - r, y).t, to = s.at(x + r, y).t;
    for (let i = Math.floor(from / this.seconds); i * this.seconds < to; i++) {
      const away = s.x((i + 0.5) * this.seconds) - x;
      if (Math.abs(away) >= r) continue;
      const half = Math.sqrt(r * r - away * away), had = this.columns.get(i);
      const low = s.at(x, y + half).hz, high = s.at(x, y - half).hz;
      if (high > low) this.columns.set(i, { low: Math.min(low, had?.low ?? low), high: Math.max(high, had?.high ?? high) });
    }
  }

  /** What is painted: boxes that follow each other, none over another. @returns {Box[]} */
  boxes() {
    const edge = (/** @type {number} */ hz, /** @type {(x: number) => number} */ round) => finest ** round(Math.log(hz) / Math.log(finest));
    /** @type {Box[]} */ const out = [];
    for (const [i, c] of [...this.columns].sort(([a], [b]) => a - b)) {
      const b = { from: i * this.seconds, to: Math.min(this.s.seconds, (i + 1) * this.seconds), low: edge(c.low, Math.floor), high: edge(c.high, Math.ceil) };
      const before = out.at(-1);
      if (before && Math.abs(before.to - b.from) < 1e-9 && before.low === b.low && before.high === b.high) before.to = b.to;
      else out.push(b);
    }
    return out;
  }
}

/** The runs of regions that follow each other in time, of one source and kind: strokes, as [first, last].
 * @param {import("page/plan.js").Region[]} regions @returns {[number, number][]} */
export function strokes(regions) {
  /** @type {[number, number][]} */ const out = [];
  regions.forEach((r, i) => {
    const before = regions[i - 1], run = out.at(-1);
    const goesOn = before && before.source === r.source && (before.belongs ?? true) === (r.belongs ?? true) && before.to === r.from && r.low !== undefined && before.low !== undefined;
    if (run && goesOn) run[1] = i;
    else out.push([i, i]);
  });
  return out;
}
