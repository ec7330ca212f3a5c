// What the axes mean, and how numbers are told.

/** A part of the time–frequency plane, in s and Hz.
 * @typedef {{from: number, to: number, low: number, high: number}} Box */

/** @param {number} x @param {number} low @param {number} high */
export const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

/** Ticks between two numbers, about so many, at 1, 2 and 5 times powers of ten.
 * @param {number} from @param {number} to @param {number} about @returns {number[]} */
export function ticks(from, to, about) {
  const rough = (to - from) / Math.max(1, about);
  if (!(rough > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((m) => m * power >= rough * 0.999) ?? 10);
  const out = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i++) out.push(i * step);
  return out;
}

/** Ticks of a frequency axis in octaves, in Hz: 50, 100, 200, 500, …
 * @param {number} low @param {number} high @returns {number[]} */
export function frequencyTicks(low, high) {
  const out = [];
  for (let p = 1; p < high; p *= 10) {
    for (const m of [1, 2, 5]) if (m * p >= low && m * p <= high) out.push(m * p);
  }
  return out.length > 2 ? out : ticks(low, high, 5);
}

/** @param {number} hz */
export const hertz = (hz) => (hz >= 1000 ? `${+(hz / 1000).toPrecision(3)} kHz` : `${+hz.toPrecision(3)} Hz`);

/** Two numbers, as short as tells them apart: equal ones, and those that differ by less than a millionth of a
 * millionth, look the same. @param {number} a @param {number} b @returns {[string, string]} */
export function apart(a, b) {
  let digits = 4;
  while (digits < 12 && a.toPrecision(digits) === b.toPrecision(digits)) digits++;
  return [a.toPrecision(digits), b.toPrecision(digits)];
}

/** How many things there are: 1 note, 2 notes. @param {number} n @param {string} noun */
export const counted = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

/** Seconds as a clock shows them. @param {number} s @param {number} [digits] */
export function clock(s, digits = 1) {
  const sign = s < 0 ? "−" : "";
  s = Math.abs(s);
  const minutes = Math.floor(s / 60);
  const rest = (s - 60 * minutes).toFixed(digits);
  return `${sign}${minutes}:${rest.padStart(digits ? 3 + digits : 2, "0")}`;
}

/** @param {number} x */
export const decibels = (x) => `${x < 0 ? "−" : ""}${Math.abs(x).toFixed(1)} dB`;

/** The numbers of a text in base64. @param {string} text */
export const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** Whether the page is dark. */
export function dark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Makes a light page dark, and a dark one light. */
export function turnTheme() {
  document.documentElement.dataset.theme = dark() ? "light" : "dark";
}

/** Colours of sources that differ for most eyes too (after Okabe and Ito), told apart on both
 * grounds. @type {string[]} */
const onDark = ["#56b4e9", "#e69f00", "#2fc79a", "#f08fc0", "#f0e442", "#7d9bff", "#ff8a5c", "#c9a7ff"];
const onLight = ["#0b6aa8", "#9a5b00", "#00734f", "#a8407c", "#6f6500", "#3355c9", "#b3430d", "#6f45b8"];

/** @param {number} j */
export const colour = (j) => {
  const all = dark() ? onDark : onLight;
  return j < 0 ? (dark() ? "#9aa1ad" : "#5b6270") : all[j % all.length];
};

/** A value of the sheet of styles. @param {string} name */
export const styled = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** 256 colours from silence to full, as [r, g, b, …]. @returns {Uint8Array} */
export function ramp() {
  const stops = dark()
    ? ["#0d0f14", "#241a4a", "#5a2277", "#9c2f7f", "#dd5164", "#fb9a63", "#fdf3c0"]
    : ["#ffffff", "#dde4f2", "#a9b8de", "#7d7fc4", "#68469c", "#4b1d63", "#1c0726"];
  const rgb = stops.map((s) => [1, 3, 5].map((i) => parseInt(s.slice(i, i + 2), 16)));
  const out = new Uint8Array(768);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (rgb.length - 1);
    const a = Math.min(rgb.length - 2, Math.floor(at));
    for (let c = 0; c < 3; c++) out[3 * i + c] = Math.round(rgb[a][c] + (at - a) * (rgb[a + 1][c] - rgb[a][c]));
  }
  return out;
}
