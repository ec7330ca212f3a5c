// What was decided, and how it is changed. Plans are never changed but replaced, so that undo
// is going back to the one before.

/** @typedef {{source: string, belongs?: boolean, from: number, to: number, low?: number, high?: number, strength?: number}} Region */
/** @typedef {{source: string, onset: number, offset: number, pitch: number | null, velocity: number}} Note */
/** @typedef {{gain: number, mute: boolean, solo: boolean}} Level */

/** @typedef {object} Plan
 * @property {"nmf" | "paint" | "score"} method
 * @property {number} components
 * @property {number} iterations
 * @property {number} seed
 * @property {string[]} sources
 * @property {number[][]} groups components of each source, from 1 on
 * @property {Region[]} paint
 * @property {Note[]} notes
 * @property {number} delay s
 * @property {number} stretch
 * @property {number} solution
 * @property {Level[]} levels of the sources, then of what is left over
 * @property {Level[]} strips of the components, for listening alone */

/** @type {Level} */ const usual = { gain: 1, mute: false, solo: false };

/** The level of source j. @param {Plan} p @param {number} j */
export const level = (p, j) => p.levels[j] ?? usual;

/** The source of component k, from 1 on; -1: none. @param {Plan} p @param {number} k */
export const sourceOf = (p, k) => p.groups.findIndex((g) => g.includes(k));

/** @param {Plan} p @param {number[]} components @param {number} j -1: into none @returns {Plan} */
export function assign(p, components, j) {
  const groups = p.sources.map((_, i) => (p.groups[i] ?? []).filter((k) => !components.includes(k)));
  if (j >= 0) groups[j] = [...groups[j], ...components].sort((a, b) => a - b);
  return { ...p, groups };
}

/** @param {Plan} p @param {string} name @returns {Plan} */
export function addSource(p, name) {
  const levels = [...p.sources.map((_, j) => level(p, j)), usual, level(p, p.sources.length)];
  return { ...p, sources: [...p.sources, name], groups: [...p.sources.map((_, j) => p.groups[j] ?? []), []], levels };
}

/** @param {Plan} p @param {number} j @returns {Plan} */
export function removeSource(p, j) {
  const levels = [...p.sources, residual].map((_, i) => level(p, i));
  return {
    ...p,
    sources: p.sources.filter((_, i) => i !== j),
    groups: p.sources.map((_, i) => p.groups[i] ?? []).filter((_, i) => i !== j),
    levels: levels.filter((_, i) => i !== j),
    paint: p.paint.filter((r) => r.source !== p.sources[j]),
  };
}

/** @param {Plan} p @param {number} j @param {string} name @returns {Plan} */
export function renameSource(p, j, name) {
  const was = p.sources[j];
  return {
    ...p,
    sources: p.sources.map((s, i) => (i === j ? name : s)),
    paint: p.paint.map((r) => (r.source === was ? { ...r, source: name } : r)),
  };
}

/** @param {Plan} p @param {number} j @param {Partial<Level>} change @returns {Plan} */
export function setLevel(p, j, change) {
  const levels = [...p.sources, residual].map((_, i) => (i === j ? { ...level(p, i), ...change } : level(p, i)));
  return { ...p, levels };
}

/** The level of component k, from 1 on. @param {Plan} p @param {number} k @returns {Level} */
export const componentLevel = (p, k) => p.strips[k - 1] ?? usual;

/** @param {Plan} p @param {number} k @param {Partial<Level>} change @param {number} of how many components there are @returns {Plan} */
export function setComponentLevel(p, k, change, of) {
  const strips = Array.from({ length: of }, (_, i) => ({ ...componentLevel(p, i + 1), ...(i + 1 === k ? change : {}) }));
  return { ...p, strips };
}

export const residual = "residual";

/** How loud each is, from levels with mutes and solos. @param {Level[]} levels */
export function gains(levels) {
  const solo = levels.some((l) => l.solo);
  return levels.map((l) => (l.mute || (solo && !l.solo) ? 0 : l.gain));
}

/** @typedef {{plan: Plan, what: string}} Version what: what made it, in a few words */

/** @type {WeakMap<Version, string>} */
const texts = new WeakMap();
/** @param {Version} v */
function textOf(v) {
  const text = texts.get(v) ?? JSON.stringify(v);
  texts.set(v, text);
  return text;
}

/** A value without what is empty and with its keys in order, so that two spellings of a plan are alike.
 * @param {any} x @returns {any} */
function bare(x) {
  if (Array.isArray(x)) return x.map(bare);
  if (!x || typeof x !== "object") return x;
  const full = Object.entries(x).map(([k, v]) => [k, bare(v)]).filter(([, v]) => v && (!Array.isArray(v) || v.length));
  return Object.fromEntries(full.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The versions of a plan. */
export class History {
  /** @param {Plan} plan */
  constructor(plan) {
    /** @type {Version[]} */ this.past = [{ plan, what: "" }];
    this.at = 0;
  }

  /** The latest versions that fit into so many characters; empty if the present one does not.
   * @param {number} most */
  text(most) {
    let first = this.past.length;
    for (let size = 0; first > 0; first--) {
      size += textOf(this.past[first - 1]).length;
      if (size > most) break;
    }
    return first > this.at ? "" : `{"at":${this.at - first},"past":[${this.past.slice(first).map(textOf).join()}]}`;
  }

  /** Takes versions from a text, if the present one of them is the plan that there is.
   * @param {string | null} text */
  restore(text) {
    if (!text) return;
    const { at, past } = /** @type {{at: number, past: Version[]}} */ (JSON.parse(text));
    if (JSON.stringify(bare(past[at]?.plan)) !== JSON.stringify(bare(this.plan))) return;
    this.past = past;
    this.at = at;
  }

  get plan() {
    return this.past[this.at].plan;
  }

  /** @param {Plan} plan @param {string} what in a few words, for the button that undoes it */
  add(plan, what) {
    this.past.length = this.at + 1;
    this.past.push({ plan, what });
    if (this.past.length > 500) this.past.shift();
    this.at = this.past.length - 1;
  }

  /** What undo and redo would do; null: nothing. */
  get undoes() {
    return this.at > 0 ? this.past[this.at].what : null;
  }
  get redoes() {
    return this.past[this.at + 1]?.what ?? null;
  }

  /** @param {1 | -1} by */
  move(by) {
    this.at = Math.max(0, Math.min(this.past.length - 1, this.at + by));
    return this.plan;
  }
}
