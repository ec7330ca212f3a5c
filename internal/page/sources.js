// The list of sources: names, levels, meters, and where components are dropped.
import { colour, decibels } from "page/scale.js";
import { level, residual } from "page/plan.js";

/** @typedef {import("page/plan.js").Plan} Plan */
/** @typedef {import("page/plan.js").Level} Level */
/** @typedef {import("page/api.js").Meter} Meter */

/** @typedef {object} Acts
 * @property {(j: number) => void} choose
 * @property {(j: number, change: Partial<Level>) => void} level
 * @property {(j: number, name: string) => void} rename
 * @property {(j: number) => void} remove
 * @property {(k: number, j: number) => void} drop a component onto a source */

export class Sources {
  /** @param {HTMLOListElement} list @param {Acts} acts */
  constructor(list, acts) {
    this.list = list;
    this.acts = acts;
    this.chosen = 0;
    this.shape = "";
  }

  /** @param {Plan} plan @param {boolean} left whether something is in no source
   * @param {number[]} counts components of each @param {Meter[]} meters */
  update(plan, left, counts, meters) {
    const names = [...plan.sources, ...(left ? [residual] : [])];
    const shape = JSON.stringify([names.length, plan.sources.length]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.list.replaceChildren(...names.map((_, j) => this.item(j, j < plan.sources.length)));
    }
    names.forEach((name, j) => {
      this.fill(/** @type {HTMLElement} */ (this.list.children[j]), plan, j, name, counts[j] ?? 0, meters);
    });
  }

  /** @param {number} j @param {boolean} named */
  item(j, named) {
    const item = document.createElement("li");
    item.className = "source";
    item.innerHTML = `<div class="source-top"><button class="pick" aria-pressed="false"></button>${named ? '<input class="name" maxlength="80">' : '<span class="name"></span>'}
      <span class="count"></span>${named ? '<button class="tiny remove" title="Remove">×</button>' : ""}</div>
      <div class="source-bottom"><button class="tiny mute" aria-pressed="false" title="Mute">M</button><button class="tiny solo" aria-pressed="false" title="Solo">S</button>
      <input class="gain" type="range" min="0" max="2" step="0.05"><span class="meter"></span></div>`;
    const find = (/** @type {string} */ q) => /** @type {HTMLInputElement} */ (item.querySelector(q));
    find(".pick").onclick = () => this.acts.choose(j);
    if (named) {
      find(".name").onchange = () => this.acts.rename(j, find(".name").value.trim());
      find(".remove").onclick = () => this.acts.remove(j);
    }
    find(".mute").onclick = () => this.acts.level(j, { mute: find(".mute").getAttribute("aria-pressed") !== "true" });
    find(".solo").onclick = () => this.acts.level(j, { solo: find(".solo").getAttribute("aria-pressed") !== "true" });
    find(".gain").onchange = () => this.acts.level(j, { gain: +find(".gain").value });
    item.ondragover = (e) => {
      if (e.dataTransfer?.types.includes("text/x-component")) {
        e.preventDefault();
        item.classList.add("over");
      }
    };
    item.ondragleave = () => item.classList.remove("over");
    item.ondrop = (e) => {
      e.preventDefault();
      item.classList.remove("over");
      this.acts.drop(Number(e.dataTransfer?.getData("text/x-component")), named ? j : -1);
    };
    return item;
  }

  /** @param {HTMLElement} item @param {Plan} plan @param {number} j @param {string} name @param {number} count @param {Meter[]} meters */
  fill(item, plan, j, name, count, meters) {
    const find = (/** @type {string} */ q) => /** @type {HTMLInputElement} */ (item.querySelector(q));
    const named = j < plan.sources.length, l = level(plan, j);
    item.style.setProperty("--own", colour(named ? j : -1));
    item.classList.toggle("chosen", named && this.chosen === j);
    find(".pick").textContent = named ? String(j + 1) : "0";
    find(".pick").setAttribute("aria-label", named ? `${j + 1}: choose ${name} for paint and keys` : "0: what is in no source");
    find(".pick").title = named ? `Key ${j + 1} puts the chosen component here` : "Key 0 puts the chosen component here";
    find(".pick").setAttribute("aria-pressed", String(named && this.chosen === j));
    find(".pick").disabled = !named;
    if (named) {
      if (document.activeElement !== find(".name")) find(".name").value = name;
      find(".name").setAttribute("aria-label", `Name of source ${j + 1}`);
      find(".remove").setAttribute("aria-label", `Remove ${name}`);
    } else find(".name").textContent = "in no source";
    find(".count").textContent = count ? `${count}` : "";
    find(".count").title = `${count} components`;
    find(".mute").setAttribute("aria-label", `Mute ${name}`);
    find(".mute").setAttribute("aria-pressed", String(l.mute));
    find(".solo").setAttribute("aria-label", `Solo ${name}`);
    find(".solo").setAttribute("aria-pressed", String(l.solo));
    find(".gain").setAttribute("aria-label", `Level of ${name}`);
    find(".gain").value = String(l.gain);
    const m = meters.find((x) => x.source === name);
    find(".meter").textContent = m ? decibels(m.si_sdr) : "";
    find(".meter").title = m ? `SI-SDR against ${m.reference}; the mixture has ${decibels(m.mixture)}` : "";
  }
}
