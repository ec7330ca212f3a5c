// What the page asks of its server. Addresses are relative: they keep the secret of the page's.

/** @typedef {import("page/plan.js").Plan} Plan */
/** @typedef {import("page/spectrogram.js").Grid} Grid */
/** @typedef {Grid & {name: string, channels: number, out: string, runs: {name: string, stems: string[]}[], references: string[]}} Recording */
/** @typedef {{id: number, method: Plan["method"], sources: string[], components: number, each: number, iterations: number, objective: number[], stop: string}} Solution */
/** @typedef {{id: number, plan: Plan, solutions: Solution[], adopted: number, job: {what: string} | null}} Session */
/** @typedef {{spectrum: string, activation: string, source: number, confidence: number, heard: number}} Component */
/** @typedef {{source: string, reference: string, si_sdr: number, mixture: number}} Meter */

/** An answer of the server that is an error. */
export class Refusal extends Error {
  /** @param {number} status @param {string} text */
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** @param {string} method @param {string} path @param {BodyInit} [body] */
async function ask(method, path, body) {
  const r = await fetch(`api/${path}`, { method, body });
  if (r.ok) return r;
  const text = await r.text();
  let told = text;
  try {
    told = JSON.parse(text).error;
  } catch {
    // not all errors are JSON
  }
  throw new Refusal(r.status, told);
}

/** @template T @param {string} path @returns {Promise<T>} */
export const get = async (path) => (await ask("GET", path)).json();

/** @template T @param {string} method @param {string} path @param {unknown} [value] @returns {Promise<T | null>} */
export async function send(method, path, value) {
  const r = await ask(method, path, value === undefined ? undefined : JSON.stringify(value));
  return r.headers.get("Content-Type") === "application/json" ? r.json() : null;
}

/** @template T @param {string} path @param {Blob} file @returns {Promise<T>} */
export const upload = async (path, file) => (await ask("POST", path, file)).json();

/** @param {string} path */
export const bytesOf = async (path) => new Uint8Array(await (await ask("GET", path)).arrayBuffer());

/** @param {string} path */
export const samplesOf = async (path) => new Float32Array(await (await ask("GET", path)).arrayBuffer());

/** Listens to the events of a session. @param {number} id
 * @param {Record<string, (data: any) => void>} on by name; hello comes whenever it is connected */
export function events(id, on) {
  const source = new EventSource(`api/sessions/${id}/events`);
  for (const [name, act] of Object.entries(on)) {
    source.addEventListener(name, (e) => act(JSON.parse(/** @type {MessageEvent} */ (e).data)));
  }
  return source;
}
