// The page that takes a recording apart by ear: what is shown, chosen, undone and asked for.
import { bytesOf, events, get, Refusal, samplesOf, send, upload } from "page/api.js";
import { Stroke, strokes } from "page/brush.js";
import { addSource, assign, componentLevel, gains, History, level, removeSource, renameSource, residual, setComponentLevel, setLevel, sourceOf } from "page/plan.js";
import { Player, wav } from "page/player.js";
import { clock, colour, counted, turnTheme } from "page/scale.js";
import { Sources } from "page/sources.js";
import { Spectrogram } from "page/spectrogram.js";
import { Strips } from "page/strips.js";

/** @typedef {import("page/plan.js").Plan} Plan */
/** @typedef {import("page/plan.js").Region} Region */
/** @typedef {import("page/api.js").Session} Session */
/** @typedef {import("page/api.js").Solution} Solution */
/** @typedef {import("page/api.js").Component} Component */
/** @typedef {import("page/api.js").Recording} Recording */

/** @param {string} id @returns {HTMLElement} */
const el = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {string} id @returns {HTMLInputElement} */
const input = (id) => /** @type {HTMLInputElement} */ (el(id));
/** @param {string} id @returns {HTMLButtonElement} */
const button = (id) => /** @type {HTMLButtonElement} */ (el(id));
/** @param {string} id @returns {HTMLSelectElement} */
const select = (id) => /** @type {HTMLSelectElement} */ (el(id));
/** @param {string} id @returns {HTMLDialogElement} */
const dialog = (id) => /** @type {HTMLDialogElement} */ (el(id));

class Page {
  /** @param {Recording} recording @param {Session} session */
  constructor(recording, session) {
    this.recording = recording;
    this.id = session.id;
    this.seconds = recording.samples / recording.rate;
    this.history = new History(session.plan);
    this.restore();
    /** @type {Map<number, Solution>} */ this.solutions = new Map(session.solutions.map((s) => [s.id, s]));
    /** @type {Component[]} */ this.components = [];
    this.componentsOf = 0; // the solution that they are of
    /** The plan that the server has. @type {Plan | null} */ this.kept = null;
    /** Of the brush, while it is dragged. @type {Stroke | null} */ this.stroke = null;
    /** @type {import("page/api.js").Meter[]} */ this.meters = [];
    this.adopted = session.adopted; // the newest solution that some page took into its plan
    this.alone = 0; // the component that is heard alone, from 1 on
    this.ab = 0;
    this.busy = Boolean(session.job);
    this.again = false; // solve once more when the work is done
    this.sending = Promise.resolve();
    this.spectrogram = new Spectrogram(/** @type {HTMLCanvasElement} */ (el("spectrogram")), recording, (l, i) => bytesOf(`tiles/${l}/${i}`));
    this.player = new Player(recording, (track, at, n) => samplesOf(`${track}${track.includes("?") ? "&" : "?"}at=${at}&n=${n}`));
    this.player.onerror = (e) => this.say(e.message);
    this.strips = new Strips(/** @type {HTMLOListElement} */ (el("strips")), {
      choose: (k) => this.choose(k),
      play: (k) => this.playAlone(k),
      level: (k, change) => this.setComponentLevel(k, change),
      assign: (k, j) => this.assign([k], j),
    });
    this.sources = new Sources(/** @type {HTMLOListElement} */ (el("sources")), {
      choose: (j) => this.chooseSource(j),
      level: (j, change) => this.change(setLevel(this.plan, j, change), "level"),
      rename: (j, name) => this.rename(j, name),
      remove: (j) => this.change(removeSource(this.plan, j), `removing ${this.plan.sources[j]}`),
      drop: (k, j) => this.assign([k], j),
    });
    this.listen();
    this.wire();
    this.form();
    this.render();
    this.fetchComponents();
  }

  get plan() {
    return this.history.plan;
  }

  /** The solution that the plan goes with. @returns {Solution | undefined} */
  get solution() {
    return this.solutions.get(this.plan.solution);
  }

  /** Whether components are what is grouped. */
  get grouped() {
    return !this.solution || this.solution.method === "nmf";
  }

  /** @param {string} text */
  say(text) {
    el("message").textContent = text;
  }

  /** Does what may fail; the page says why. @param {() => Promise<void>} act */
  async attempt(act) {
    try {
      await act();
    } catch (e) {
      this.say(e instanceof Error ? e.message : String(e));
    }
  }

  // What is decided.

  /** @param {Plan} plan @param {string} what */
  change(plan, what) {
    this.history.add(plan, what);
    this.decided();
  }

  /** @param {1 | -1} by */
  move(by) {
    const what = by < 0 ? this.history.undoes : this.history.redoes;
    if (what === null) return;
    this.history.move(by);
    this.form();
    this.decided();
    this.say(`${by < 0 ? "Undone" : "Done again"}: ${what}`);
  }

  /** Takes from the browser what could be undone when the page was closed. */
  restore() {
    try {
      this.history.restore(localStorage.getItem(`undo ${this.id}`));
    } catch { // a browser that keeps nothing, or what another program has left
    }
  }

  /** Has the browser keep what can be undone. */
  remember() {
    try {
      localStorage.setItem(`undo ${this.id}`, this.history.text(1e6));
    } catch { // it keeps nothing, or has no room; what it has is not of this plan, and so is left out
    }
  }

  decided() {
    this.keep();
    this.remember();
    this.render();
    this.fetchComponents();
  }

  /** Has the server keep the plan. One is sent after the other, and the last one counts. */
  keep() {
    const plan = this.plan;
    this.sending = this.sending.then(async () => {
      if (plan !== this.plan || plan === this.kept) return;
      await this.attempt(async () => {
        await send("PUT", `sessions/${this.id}/plan`, plan);
        this.kept = plan;
      });
    });
    return this.sending;
  }

  /** @param {number[]} components @param {number} j */
  assign(components, j) {
    if (!this.grouped || !components.length || j >= this.plan.sources.length) return;
    const name = j < 0 ? "no source" : this.plan.sources[j];
    const what = components.length === 1 ? `component ${components[0]} into ${name}` : `${components.length} components into ${name}`;
    this.change(assign(this.plan, components, j), what);
    this.say(`${what[0].toUpperCase()}${what.slice(1)}`);
  }

  /** Takes suggestions. @param {number[]} components */
  accept(components) {
    let plan = this.plan;
    for (const k of components) {
      const s = this.components[k - 1]?.source ?? -1;
      if (s >= 0 && sourceOf(plan, k) < 0) plan = assign(plan, [k], s);
    }
    if (plan !== this.plan && this.grouped) this.change(plan, "taking suggestions");
  }

  /** @param {number} j @param {string} name */
  rename(j, name) {
    const fault = this.nameFault(name, j);
    if (fault) {
      this.say(fault);
      this.render();
    } else if (name !== this.plan.sources[j]) this.change(renameSource(this.plan, j, name), `calling it ${name}`);
  }

  /** @param {string} name @param {number} j the source that has it now, or -1 */
  nameFault(name, j) {
    const same = (/** @type {string} */ other) => other.toLowerCase() === name.toLowerCase();
    if (!name) return "A source wants a name.";
    if (same(residual)) return `“${residual}” is what is left over; want another name.`;
    if (this.plan.sources.some((s, i) => i !== j && same(s))) return `There is a source “${name}” already.`;
    return "";
  }

  // Solving.

  solve() {
    if (this.busy) {
      this.again = true;
      return;
    }
    this.attempt(async () => {
      const f = this.formPlan();
      if (f.method === "paint" && f.sources.length < 2) {
        const wanted = f.sources.length ? ["rest"] : ["voice", "rest"];
        this.change(wanted.reduce(addSource, this.plan), "two sources to paint");
        f.sources = this.plan.sources;
      }
      await this.keep();
      this.working("solve");
      try {
        await send("POST", `sessions/${this.id}/solve`, f);
      } catch (e) {
        this.working("");
        throw e;
      }
    });
  }

  /** The plan as the form has it. @returns {Plan} */
  formPlan() {
    const method = /** @type {Plan["method"]} */ (/** @type {HTMLInputElement} */ (document.querySelector("input[name=method]:checked")).value);
    return { ...this.plan, method, components: +input("components").value, iterations: +input("iterations").value, delay: +input("delay").value, stretch: +input("stretch").value };
  }

  /** Fills the form from the plan. */
  form() {
    const p = this.plan;
    for (const r of document.querySelectorAll("input[name=method]")) /** @type {HTMLInputElement} */ (r).checked = /** @type {HTMLInputElement} */ (r).value === p.method;
    for (const name of /** @type {const} */ (["components", "iterations", "delay", "stretch"])) input(name).value = String(p[name]);
    this.formParts();
  }

  formParts() {
    const method = this.formPlan().method;
    el("score-part").hidden = method !== "score";
    const each = /** @type {HTMLElement} */ (input("components").parentElement);
    each.hidden = method === "score";
    /** @type {ChildNode} */ (each.firstChild).textContent = method === "paint" ? "Components each " : "Components ";
    /** @type {HTMLElement} */ (input("iterations").parentElement).hidden = method === "score";
  }

  /** Takes a solution into the plan, once. @param {Solution} s */
  solved(s) {
    this.solutions.set(s.id, s);
    if (s.id <= this.adopted) return;
    this.adopted = s.id;
    /** @type {Plan} */ let plan = { ...this.plan, method: s.method, components: s.each, iterations: s.iterations, solution: s.id, strips: [] };
    if (s.method === "score") plan = { ...plan, sources: s.sources, groups: [], levels: [], paint: [] };
    if (s.method === "nmf" && this.solution?.components !== s.components) plan = { ...plan, groups: [] };
    this.alone = 0;
    this.change(plan, "solving");
    this.say(`Solved: ${counted(s.components, "component")}, ${counted(s.objective.length, "iteration")}.`);
    if (!this.listenedToMix) {
      select("track-b").value = "mix";
      this.hear(1);
      this.listenedToMix = true;
    }
  }

  /** Shows that something is being computed, or nothing. @param {string} what */
  working(what) {
    this.busy = what !== "";
    el("working").hidden = !this.busy;
    el("working-what").textContent = what === "export" ? "Writing stems" : "Taking apart";
    input("working-part").removeAttribute("value");
    button("solve-now").disabled = this.busy;
    if (!this.busy && this.again) {
      this.again = false;
      this.solve();
    }
  }

  listen() {
    this.events = events(this.id, {
      hello: () => this.attempt(async () => {
        const s = /** @type {Session} */ (await get(`sessions/${this.id}`));
        for (const x of s.solutions) this.solutions.set(x.id, x);
        this.working(s.job?.what ?? "");
        const newest = s.solutions.at(-1);
        if (newest && newest.id > this.adopted) { // it was found while this page was not open
          this.solved(newest);
          this.form();
        }
        this.render();
      }),
      progress: (/** @type {{what: string, stage: string, done: number, of: number}} */ p) => {
        if (!this.busy) this.working(p.what);
        /** @type {HTMLProgressElement} */ (el("working-part")).value = p.done / p.of;
        el("working-what").textContent = `${p.stage}: ${p.done} of ${p.of}`;
      },
      done: (/** @type {{what: string, result: any}} */ d) => {
        this.working("");
        if (d.what === "solve") this.solved(d.result);
        else this.wrote(d.result);
      },
      cancelled: () => {
        this.again = false;
        this.working("");
        this.say("Cancelled");
      },
      failed: (/** @type {{error: string}} */ d) => {
        this.again = false;
        this.working("");
        this.say(d.error);
      },
    });
  }

  /** Fetches components with what is suggested for them. */
  fetchComponents() {
    clearTimeout(this.fetching);
    this.fetching = setTimeout(() => this.attempt(async () => {
      const id = this.plan.solution;
      if (!this.solutions.has(id)) {
        this.components = [];
        this.componentsOf = 0;
        this.strips.set([], true);
        this.render();
        return;
      }
      await this.sending;
      try {
        this.components = await get(`sessions/${this.id}/components`);
      } catch (e) {
        if (!(e instanceof Refusal) || e.status !== 410) throw e;
        this.solutions.delete(id);
        this.say("That solution is not kept any more: solve again.");
        return;
      }
      if (this.componentsOf !== id) this.strips.set(this.components, this.grouped);
      else this.strips.suggest(this.components);
      this.componentsOf = id;
      this.render();
      if (this.recording.references.length) {
        this.meters = await get(`sessions/${this.id}/meters`);
        this.render();
      }
    }), 60);
  }

  // What is heard.

  /** The source of component k, from 0 on; -1: none. @param {number} k */
  whose(k) {
    const s = this.solution;
    if (!s || s.method === "nmf") return sourceOf(this.plan, k);
    return this.components[k - 1]?.source ?? -1;
  }

  /** @param {number} k @param {Partial<import("page/plan.js").Level>} change */
  setComponentLevel(k, change) {
    this.change(setComponentLevel(this.plan, k, change, this.components.length), `the level of component ${k}`);
  }

  /** The address of a sound, but for where in it. @param {string} what */
  track(what) {
    const [kind, i, j] = what.split(":");
    const s = this.solution;
    if (kind === "run") return `audio/run/${i}/${j}`;
    if (kind === "reference") return `audio/reference/${i}`;
    if (kind === "mixture" || !s) return "audio/mixture";
    const names = [...this.plan.sources, residual];
    const only = kind === "source" ? +i : -1;
    const of = gains(names.map((_, n) => (only < 0 ? level(this.plan, n) : { gain: n === only ? 1 : 0, mute: false, solo: false })));
    const own = gains(this.components.map((_, n) => componentLevel(this.plan, n + 1)));
    let all;
    if (s.method !== "nmf") all = s.sources.map((name, n) => of[this.plan.sources.indexOf(name)] ?? of[n] ?? 1);
    else if (kind === "component") all = Array.from({ length: s.components }, (_, n) => (n + 1 === +i ? 1 : 0));
    else all = Array.from({ length: s.components }, (_, n) => {
      const source = sourceOf(this.plan, n + 1);
      return (of[source < 0 ? names.length - 1 : source] ?? 1) * (only < 0 ? own[n] ?? 1 : 1);
    });
    return `sessions/${this.id}/audio?solution=${s.id}&gains=${all.map((g) => +Math.min(4, g).toFixed(4)).join(",")}`;
  }

  /** @param {number} ab 0: A, 1: B */
  hear(ab) {
    this.ab = ab;
    this.alone = 0;
    this.render();
  }

  updateTracks() {
    const names = [this.track(select("track-a").value), this.track(select("track-b").value)];
    if (this.alone) names.push(this.track(this.grouped ? `component:${this.alone}` : `source:${this.whose(this.alone)}`));
    this.player.setTracks(names, this.alone ? 2 : this.ab);
  }

  trackOptions() {
    const p = this.plan, s = this.solution;
    const options = [["mixture", "the mixture"]];
    if (s) {
      options.push(["mix", "what you make"]);
      options.push(...p.sources.map((name, j) => [`source:${j}`, `only ${name}`]));
      if (s.method === "nmf") options.push([`source:${p.sources.length}`, "only what is in no source"]);
    }
    options.push(...this.recording.runs.flatMap((r, i) => r.stems.map((stem, j) => [`run:${i}:${j}`, `${r.name}: ${stem}`])));
    options.push(...this.recording.references.map((name, i) => [`reference:${i}`, `reference: ${name}`]));
    for (const [id, usual] of [["track-a", "mixture"], ["track-b", "mix"]]) {
      const box = select(id);
      const key = JSON.stringify(options);
      if (box.dataset.key === key) continue;
      const was = box.value;
      box.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
      box.dataset.key = key;
      box.value = options.some(([v]) => v === was) ? was : options.some(([v]) => v === usual) ? usual : "mixture";
    }
  }

  /** @param {number} k */
  playAlone(k) {
    const same = this.alone === k;
    this.alone = same ? 0 : k;
    this.strips.choose(k, false);
    this.render();
    if (same) this.player.pause();
    else if (!this.player.playing) this.play();
  }

  play() {
    this.player.play().catch((e) => this.say(e.message));
  }

  toggle() {
    if (this.player.playing) this.player.pause();
    else this.play();
  }

  // What is selected.

  /** @param {Partial<import("page/scale.js").Box> | null} part */
  select(part) {
    const g = this.recording, s = this.spectrogram;
    if (part) {
      const b = { from: 0, to: this.seconds, low: g.low, high: g.high, ...(s.selection ?? {}), ...part };
      s.selection = { from: Math.max(0, Math.min(b.from, b.to)), to: Math.min(this.seconds, Math.max(b.from, b.to)), low: Math.max(g.low, Math.min(b.low, b.high)), high: Math.min(g.high, Math.max(b.low, b.high)) };
      if (s.selection.to - s.selection.from < 1e-3 || s.selection.high / s.selection.low < 1.001) s.selection = null;
    } else s.selection = null;
    if (!s.selection) s.looped = false;
    this.loop(s.looped);
    this.render();
  }

  /** @param {boolean} on */
  loop(on) {
    const s = this.spectrogram, b = s.selection;
    s.looped = on && b !== null;
    const r = this.recording.rate;
    const loop = s.looped && b ? { from: Math.round(b.from * r), to: Math.max(Math.round(b.to * r), Math.round(b.from * r) + 64) } : null;
    if (JSON.stringify(loop) !== JSON.stringify(this.player.loop)) {
      this.player.loop = loop;
      this.player.again();
    }
    el("loop").setAttribute("aria-pressed", String(s.looped));
    s.redraw();
  }

  /** @param {number} k */
  choose(k) {
    if (k < 0 || k > this.components.length) return;
    this.strips.choose(k);
    const s = this.solution;
    if (k && s) this.spectrogram.light((l, i) => bytesOf(`sessions/${this.id}/masks/${s.id}/${k}/${l}/${i}`), colour(this.whose(k)) === colour(-1) ? "#36d6e7" : colour(this.whose(k)));
    else this.spectrogram.light(null);
    this.render();
  }

  /** @param {number} j */
  chooseSource(j) {
    if (j >= this.plan.sources.length) return;
    this.sources.chosen = j;
    const s = this.solution;
    const own = this.components.map((_, i) => i + 1).filter((k) => this.whose(k) === j);
    this.strips.choose(0, false);
    if (s && own.length) this.spectrogram.light((l, i) => bytesOf(`sessions/${this.id}/masks/${s.id}/${own.join(",")}/${l}/${i}`), colour(j));
    else this.spectrogram.light(null);
    this.render();
  }

  /** Says what the selection is. @param {"is" | "not" | "alone"} what */
  mark(what) {
    const b = this.spectrogram.selection;
    const source = this.plan.sources[this.sources.chosen];
    if (!b || !source) {
      this.say(b ? "Add a source first, and choose it." : "Select something first: drag on the spectrogram, or fill in the fields below it.");
      return;
    }
    this.paint([b], what, source);
  }

  /** Adds regions of a source and solves. @param {import("page/scale.js").Box[]} boxes @param {"is" | "not" | "alone"} what @param {string} source */
  paint(boxes, what, source) {
    const round = (/** @type {number} */ x, /** @type {number} */ by) => Math.round(x * by) / by;
    const regions = boxes.map((b) => {
      /** @type {Region} */ const r = { source, from: round(b.from, 1000), to: round(b.to, 1000), belongs: what !== "not" };
      if (what !== "alone") {
        if (b.low > this.recording.low * 1.001) r.low = round(b.low, 10);
        if (b.high < this.recording.high * 0.999) r.high = round(b.high, 10);
      }
      return r;
    });
    this.change({ ...this.plan, paint: [...this.plan.paint, ...regions] }, `painting ${source}`);
    this.say(`${what === "not" ? "Not" : what === "alone" ? "Alone" : "Painted"}: ${source}, ${clock(regions[0].from, 2)} to ${clock(regions[regions.length - 1].to, 2)}.`);
    if (this.formPlan().method !== "paint") {
      const radio = /** @type {HTMLInputElement} */ (document.querySelector("input[name=method][value=paint]"));
      radio.checked = true;
      this.method();
    }
    if (this.plan.sources.length > 1 && this.formPlan().method === "paint") this.solve();
  }

  /** Ends a stroke of the brush. @param {Stroke} stroke @param {"is" | "not" | null} what null: nothing is painted */
  brushed(stroke, what) {
    const boxes = stroke.boxes(), source = this.plan.sources[this.sources.chosen];
    if (what && boxes.length && source) this.paint(boxes, what, source);
    else {
      if (what) this.say(boxes.length ? "Add a source first, and choose it." : "The brush was outside of the spectrogram.");
      this.renderMarks();
    }
  }

  /** Another way is chosen: its usual numbers stand in the form. */
  method() {
    const usual = { nmf: [12, 60], paint: [12, 30], score: [12, 60] }[this.formPlan().method];
    input("components").value = String(usual[0]);
    input("iterations").value = String(usual[1]);
    this.formParts();
  }

  // What is shown.

  render() {
    const p = this.plan, s = this.solution, h = this.history;
    button("undo").disabled = h.undoes === null;
    button("redo").disabled = h.redoes === null;
    button("undo").title = h.undoes === null ? "Undo (Ctrl+Z)" : `Undo ${h.undoes} (Ctrl+Z)`;
    button("redo").title = h.redoes === null ? "Redo (Ctrl+Shift+Z)" : `Redo ${h.redoes} (Ctrl+Shift+Z)`;
    button("save").disabled = !s;
    const counts = [...p.sources, residual].map((_, j) => this.components.filter((_, i) => (this.whose(i + 1) < 0 ? p.sources.length : this.whose(i + 1)) === j).length);
    this.sources.update(p, this.grouped && counts[p.sources.length] > 0, counts, this.meters);
    this.strips.update(p, (k) => componentLevel(p, k), this.alone, (k) => this.whose(k));
    this.strips.draw(this.spectrogram.view, this.seconds);
    el("strips").classList.toggle("fixed", !this.grouped);
    el("strips-none").hidden = this.components.length > 0;
    el("accept").hidden = !(this.grouped && this.components.some((c, i) => c.source >= 0 && this.whose(i + 1) < 0));
    el("painted-source").textContent = p.sources[this.sources.chosen] ?? "– (add a source)";
    el("painted-source").style.color = colour(p.sources[this.sources.chosen] ? this.sources.chosen : -1);
    el("solved").textContent = s ? `${counted(s.components, "component")}; ${s.stop}` : "";
    this.trackOptions();
    el("swap").textContent = this.alone ? `Component ${this.alone}` : this.ab ? "Hearing B" : "Hearing A";
    this.updateTracks();
    this.renderSelection();
    this.renderMarks();
    this.renderRegions();
  }

  renderSelection() {
    const b = this.spectrogram.selection;
    for (const [id, value, digits] of /** @type {const} */ ([["from", b?.from, 2], ["to", b?.to, 2], ["low", b?.low, 0], ["high", b?.high, 0]])) {
      if (document.activeElement !== el(id)) input(id).value = value === undefined ? "" : value.toFixed(digits);
    }
    for (const id of ["mark-is", "mark-not", "mark-alone", "keep-sound", "clear"]) button(id).disabled = !b;
    button("loop").disabled = !b;
  }

  renderMarks() {
    const p = this.plan, g = this.recording, f = this.formPlan();
    /** @type {import("page/spectrogram.js").Mark[]} */ const marks = [];
    const parts = [...new Set(p.notes.map((n) => n.source))];
    if (f.method === "score") {
      for (const n of p.notes) {
        const hz = n.pitch === null ? g.low * 1.1 : 440 * 2 ** ((n.pitch - 69) / 12);
        const width = n.pitch === null ? 1.1 : 2 ** (0.45 / 12);
        marks.push({ box: { from: f.delay + f.stretch * n.onset, to: f.delay + f.stretch * n.offset, low: hz / width, high: hz * width }, colour: colour(parts.indexOf(n.source)), filled: true });
      }
    }
    for (const [first, last] of strokes(p.paint)) {
      p.paint.slice(first, last + 1).forEach((r, i) => {
        const not = r.belongs === false, bare = last > first;
        marks.push({ box: { from: r.from, to: r.to, low: r.low ?? g.low, high: r.high ?? g.high }, colour: colour(p.sources.indexOf(r.source)), label: i ? "" : `${not ? "not " : ""}${r.source}`, dashed: not, bare, filled: bare });
      });
    }
    if (this.stroke) {
      for (const box of this.stroke.boxes()) marks.push({ box, colour: colour(this.sources.chosen), bare: true, filled: true });
    }
    this.spectrogram.marks = marks;
    this.spectrogram.redraw();
  }

  renderRegions() {
    const p = this.plan, key = JSON.stringify(p.paint);
    el("paint-part").hidden = !p.paint.length;
    if (el("regions").dataset.key === key) return;
    el("regions").dataset.key = key;
    el("regions").replaceChildren(...strokes(p.paint).map(([first, last], i) => {
      const all = p.paint.slice(first, last + 1), r = all[0], to = all[all.length - 1].to;
      const item = document.createElement("li");
      const show = document.createElement("button");
      show.textContent = `${r.belongs === false ? "not " : ""}${r.source}, ${r.from.toFixed(2)}–${to.toFixed(2)} s`;
      show.className = "plain";
      show.onclick = () => this.select({ from: r.from, to, low: Math.min(...all.map((x) => x.low ?? this.recording.low)), high: Math.max(...all.map((x) => x.high ?? this.recording.high)) });
      const remove = document.createElement("button");
      remove.textContent = "×";
      remove.className = "tiny";
      remove.setAttribute("aria-label", `Unpaint region ${i + 1}`);
      remove.onclick = () => {
        this.change({ ...this.plan, paint: this.plan.paint.filter((_, j) => j < first || j > last) }, "unpainting");
        if (this.formPlan().method === "paint") this.solve();
      };
      item.append(show, remove);
      return item;
    }));
  }

  tick() {
    const at = this.player.now() / this.recording.rate, s = this.spectrogram;
    if (Math.abs(at - s.playhead) > 1e-4) {
      s.playhead = at;
      const v = s.view;
      if (this.player.playing && !s.looped && (at > v.to || at < v.from) && !this.dragging) s.show({ from: at, to: at + v.to - v.from });
      s.redraw();
      const text = clock(at);
      if (el("clock").textContent !== text) el("clock").textContent = text;
    }
    requestAnimationFrame(() => this.tick());
  }

  // Buttons, keys and the mouse.

  wire() {
    const on = (/** @type {string} */ id, /** @type {() => void} */ act) => (button(id).onclick = act);
    el("title").textContent = this.recording.name;
    document.title = `${this.recording.name}: listen`;
    on("play", () => this.toggle());
    on("to-start", () => this.player.seek(0));
    on("loop", () => this.loop(!this.spectrogram.looped));
    on("swap", () => this.hear(this.alone ? this.ab : 1 - this.ab));
    on("undo", () => this.move(-1));
    on("redo", () => this.move(1));
    on("cancel", () => this.attempt(async () => void (await send("DELETE", `sessions/${this.id}/job`))));
    on("help", () => dialog("help-dialog").showModal());
    on("accept", () => this.accept(this.components.map((_, i) => i + 1)));
    on("nearer", () => this.zoom(0.6));
    on("farther", () => this.zoom(1 / 0.6));
    on("nearer-hz", () => this.zoomFrequency(0.6));
    on("farther-hz", () => this.zoomFrequency(1 / 0.6));
    on("all", () => this.spectrogram.show({ from: 0, to: this.seconds, low: this.recording.low, high: this.recording.high }));
    on("mark-is", () => this.mark("is"));
    on("mark-not", () => this.mark("not"));
    on("mark-alone", () => this.mark("alone"));
    on("clear", () => this.select(null));
    on("keep-sound", () => this.keepSound());
    on("theme", () => {
      turnTheme();
      this.recoloured();
    });
    matchMedia("(prefers-color-scheme: dark)").onchange = () => this.recoloured();
    input("volume").oninput = () => this.player.setVolume(+input("volume").value);
    this.player.setVolume(+input("volume").value);
    input("loudest").oninput = input("quietest").oninput = () => this.spectrogram.range(+input("quietest").value, +input("loudest").value);
    select("track-a").onchange = () => this.hear(0);
    select("track-b").onchange = () => this.hear(1);
    for (const r of document.querySelectorAll("input[name=method]")) /** @type {HTMLInputElement} */ (r).onchange = () => {
      this.method();
      this.render();
    };
    input("brush").onchange = () => (el("brush-size").hidden = !input("brush").checked);
    input("delay").onchange = input("stretch").onchange = () => this.nudge();
    input("score-file").onchange = () => this.attempt(() => this.readScore());
    /** @type {HTMLFormElement} */ (el("solve")).onsubmit = (e) => {
      e.preventDefault();
      this.solve();
    };
    /** @type {HTMLFormElement} */ (el("selection")).onsubmit = (e) => e.preventDefault();
    for (const id of /** @type {const} */ (["from", "to", "low", "high"])) input(id).onchange = () => input(id).value !== "" && this.select({ [id]: +input(id).value });
    /** @type {HTMLFormElement} */ (el("add-source")).onsubmit = (e) => {
      e.preventDefault();
      const name = input("new-source").value.trim(), fault = this.nameFault(name, -1);
      if (fault) return this.say(fault);
      input("new-source").value = "";
      this.sources.chosen = this.plan.sources.length;
      this.change(addSource(this.plan, name), `adding ${name}`);
    };
    this.player.onstate = () => {
      button("play").textContent = this.player.playing ? "Pause" : "Play";
    };
    this.spectrogram.onscale = () => {
      input("loudest").value = String(this.spectrogram.loudest);
      input("quietest").value = String(this.spectrogram.quietest);
    };
    this.spectrogram.onview = () => this.strips.draw(this.spectrogram.view, this.seconds);
    new ResizeObserver(() => this.strips.draw(this.spectrogram.view, this.seconds)).observe(el("strips"));
    this.wireSave();
    this.wireMouse();
    document.addEventListener("keydown", (e) => this.key(e));
    this.tick();
  }

  recoloured() {
    this.spectrogram.recolour();
    this.choose(this.strips.chosen);
    this.render();
  }

  /** @param {number} factor */
  zoom(factor) {
    const s = this.spectrogram, v = s.view;
    const inside = s.playhead >= v.from && s.playhead <= v.to;
    s.zoom(factor, inside ? s.playhead : (v.from + v.to) / 2);
  }

  /** Zooms about the selection's frequencies, or the middle. @param {number} factor */
  zoomFrequency(factor) {
    const s = this.spectrogram, about = s.selection ?? s.view;
    s.zoomFrequency(factor, Math.sqrt(about.low * about.high));
  }

  nudge() {
    const f = this.formPlan();
    if (f.delay !== this.plan.delay || f.stretch !== this.plan.stretch) this.change({ ...this.plan, delay: f.delay, stretch: f.stretch }, "moving the notes");
  }

  async readScore() {
    const file = input("score-file").files?.[0];
    if (!file) return;
    const notes = await /** @type {Promise<import("page/plan.js").Note[]>} */ (upload(`sessions/${this.id}/score`, file));
    this.change({ ...this.formPlan(), notes, delay: 0, stretch: 1 }, `reading ${file.name}`);
    this.form();
    const parts = new Set(notes.map((n) => n.source)).size;
    el("score-note").textContent = `${file.name}: ${counted(notes.length, "note")} in ${counted(parts, "part")}`;
  }

  keepSound() {
    const b = this.spectrogram.selection, r = this.recording.rate;
    if (!b) return;
    this.attempt(async () => {
      const at = Math.round(b.from * r), n = Math.max(1, Math.round(b.to * r) - at);
      const track = this.player.tracks[this.player.heard]?.name ?? "audio/mixture";
      const link = document.createElement("a");
      link.href = URL.createObjectURL(wav(await this.player.render(track, at, n), r));
      link.download = `${this.recording.name.replace(/\.[^.]*$/, "")}-selection.wav`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  }

  wireSave() {
    button("save").onclick = () => {
      el("save-out").textContent = this.recording.out;
      el("saved").replaceChildren();
      dialog("save-dialog").showModal();
    };
    /** @type {HTMLFormElement} */ (el("save-form")).onsubmit = (e) => {
      const what = /** @type {HTMLButtonElement} */ (e.submitter)?.value ?? "save";
      if (!what) return;
      e.preventDefault();
      this.attempt(async () => {
        await this.keep();
        const asked = { name: input("save-name").value.trim(), format: select("save-format").value };
        el("saved").textContent = "…";
        try {
          const done = await send("POST", `sessions/${this.id}/${what}`, asked);
          if (what === "save") this.wrote(/** @type {any} */ (done));
          else this.working("export");
        } catch (err) {
          el("saved").textContent = err instanceof Error ? err.message : String(err);
        }
      });
    };
  }

  /** @param {{folder: string, files: string[]}} done */
  wrote(done) {
    const list = document.createElement("ul");
    list.append(...done.files.map((f) => Object.assign(document.createElement("li"), { textContent: f })));
    const how = Object.assign(document.createElement("p"), { className: "note", textContent: `audiosep run ${done.folder}/pipeline.json makes the same stems.` });
    el("saved").replaceChildren(Object.assign(document.createElement("p"), { textContent: `Written to ${done.folder}:` }), list, how);
    this.say(`Written to ${done.folder}`);
  }

  wireMouse() {
    const canvas = /** @type {HTMLCanvasElement} */ (el("spectrogram")), s = this.spectrogram;
    const tool = () => /** @type {HTMLInputElement} */ (document.querySelector("input[name=tool]:checked")).value;
    /** @type {{x: number, y: number, t: number, hz: number, moved: boolean} | null} */ let down = null;
    canvas.onpointerdown = (e) => {
      if (e.button) return;
      canvas.setPointerCapture(e.pointerId);
      down = { x: e.offsetX, y: e.offsetY, ...s.at(e.offsetX, e.offsetY), moved: false };
      this.dragging = true;
      if (input("brush").checked && (tool() === "is" || tool() === "not")) this.stroke = new Stroke(s, +input("radius").value);
    };
    canvas.onpointermove = (e) => {
      if (!down) return;
      if (Math.hypot(e.offsetX - down.x, e.offsetY - down.y) > 4) down.moved = true;
      if (!down.moved) return;
      if (this.stroke) {
        if (!this.stroke.last) this.stroke.to(down.x, down.y);
        this.stroke.to(e.offsetX, e.offsetY);
        this.renderMarks();
        return;
      }
      const to = s.at(e.offsetX, e.offsetY);
      // A stroke along the time alone selects all frequencies.
      const flat = tool() === "alone" || Math.abs(e.offsetY - down.y) < 8;
      this.select({ from: down.t, to: to.t, low: flat ? this.recording.low : down.hz, high: flat ? this.recording.high : to.hz });
    };
    canvas.onpointerup = canvas.onpointercancel = (e) => {
      if (!down) return;
      const was = down, stroke = this.stroke;
      down = this.stroke = null;
      this.dragging = false;
      if (!was.moved) {
        this.player.seek(was.t * this.recording.rate);
        return;
      }
      const what = tool();
      if (stroke) {
        this.brushed(stroke, e.type === "pointerup" ? /** @type {"is" | "not"} */ (what) : null);
        return;
      }
      if (e.type === "pointerup" && (what === "is" || what === "not" || what === "alone")) {
        this.mark(what);
        this.select(null);
      }
    };
    canvas.addEventListener("wheel", (e) => {
      e.preventDefault();
      const { t, hz } = s.at(e.offsetX, e.offsetY);
      if (e.ctrlKey || e.metaKey) s.zoom(Math.exp(e.deltaY / 300), t);
      else if (e.altKey) s.zoomFrequency(Math.exp(e.deltaY / 300), hz);
      else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) s.pan((e.deltaX || e.deltaY) / 600);
      else s.zoom(Math.exp(e.deltaY / 400), t);
    }, { passive: false });
  }

  /** @param {KeyboardEvent} e */
  key(e) {
    const target = /** @type {HTMLElement} */ (e.target);
    if (document.querySelector("dialog[open]")) return;
    if (e.ctrlKey || e.metaKey) {
      if (e.key === "Enter") this.solve();
      else if (e.key.toLowerCase() === "z") this.move(e.shiftKey ? 1 : -1);
      else if (e.key.toLowerCase() === "y") this.move(1);
      else return;
      e.preventDefault();
      return;
    }
    const typing = target.matches("input:not([type=range]):not([type=radio]):not([type=checkbox]), select, textarea");
    if (typing || e.altKey) return;
    if (target.id === "spectrogram" && this.canvasKey(e)) {
      e.preventDefault();
      return;
    }
    if (e.key === "Escape") this.select(null);
    else if (!input("single-keys").checked || !this.singleKey(e, target)) return;
    e.preventDefault();
  }

  /** A key on the spectrogram. @param {KeyboardEvent} e @returns {boolean} whether it was one */
  canvasKey(e) {
    const s = this.spectrogram, v = s.view, step = (v.to - v.from) / 50;
    const b = s.selection ?? { from: s.playhead, to: s.playhead, low: v.low, high: v.high };
    const middle = Math.sqrt(v.low * v.high);
    switch (e.key) {
      case "ArrowLeft":
      case "ArrowRight": {
        const by = e.key === "ArrowLeft" ? -step : step;
        if (e.shiftKey) this.select({ from: b.from, to: Math.max(b.from + step / 4, b.to + by) });
        else this.player.seek(this.player.now() + by * this.recording.rate);
        return true;
      }
      case "ArrowUp":
      case "ArrowDown": {
        const up = e.key === "ArrowUp" ? 1 : -1;
        if (!e.shiftKey) s.pan(0, up / 6);
        else if (!s.selection) this.select({ from: s.playhead, to: s.playhead + 10 * step, low: middle / 1.2, high: middle * 1.2 });
        else if (b.high >= this.recording.high * 0.999 && b.low <= this.recording.low * 1.001) this.select({ low: middle / 1.2, high: middle * 1.2 });
        else this.select({ low: b.low * 2 ** (up / 6), high: b.high * 2 ** (up / 6) });
        return true;
      }
      case "Home":
        this.player.seek(0);
        return true;
      case "End":
        this.player.seek(this.recording.samples);
        return true;
      case "PageUp":
        s.pan(-0.9);
        return true;
      case "PageDown":
        s.pan(0.9);
        return true;
      case "0":
        s.show({ from: 0, to: this.seconds, low: this.recording.low, high: this.recording.high });
        return true;
    }
    return false;
  }

  /** @param {KeyboardEvent} e @param {HTMLElement} target @returns {boolean} whether it does something */
  singleKey(e, target) {
    const k = this.strips.chosen, s = this.spectrogram, b = s.selection;
    if (e.key === " " && target.matches("button, input, summary, a")) return false;
    if (/^[0-9]$/.test(e.key)) {
      if (k) this.assign([k], +e.key - 1);
      else if (e.key !== "0") this.chooseSource(+e.key - 1);
      return true;
    }
    const own = k ? componentLevel(this.plan, k) : null;
    /** @type {Record<string, () => void>} */ const acts = {
      " ": () => this.toggle(),
      "+": () => this.zoom(0.6),
      "=": () => this.zoom(0.6),
      "-": () => this.zoom(1 / 0.6),
      ".": () => this.zoomFrequency(0.6),
      ",": () => this.zoomFrequency(1 / 0.6),
      "?": () => dialog("help-dialog").showModal(),
      "[": () => this.select({ from: s.playhead, to: b && b.to > s.playhead ? b.to : this.seconds }),
      "]": () => this.select({ from: b && b.from < s.playhead ? b.from : 0, to: s.playhead }),
      l: () => this.loop(!s.looped),
      b: () => this.hear(this.alone ? this.ab : 1 - this.ab),
      j: () => this.choose(Math.min(this.components.length, k + 1)),
      k: () => this.choose(Math.max(1, k - 1)),
      p: () => k && this.playAlone(k),
      m: () => own && this.setComponentLevel(k, { mute: !own.mute }),
      s: () => own && this.setComponentLevel(k, { solo: !own.solo }),
      a: () => this.accept(k ? [k] : []),
      A: () => this.accept(this.components.map((_, i) => i + 1)),
      t: () => this.mark("is"),
      n: () => this.mark("not"),
      o: () => this.mark("alone"),
    };
    const act = acts[e.key];
    if (!act) return false;
    act();
    return true;
  }
}

/** Offers what other pages began. @returns {Promise<Session>} */
async function begin() {
  const asked = /session=(\d+)/.exec(location.hash);
  const all = /** @type {{id: number, open: boolean, changed: string, sources: string[], solved: boolean, busy: boolean}[]} */ (await get("sessions"));
  if (asked && all.some((s) => s.id === +asked[1])) return get(`sessions/${asked[1]}`);
  const closed = all.filter((s) => !s.open && (s.solved || s.busy || s.sources.length)).reverse();
  if (closed.length) {
    const id = await new Promise((done) => {
      el("again").replaceChildren(...closed.map((s) => {
        const item = document.createElement("li"), b = document.createElement("button");
        b.textContent = `${s.sources.join(", ") || "no sources yet"} – ${new Date(s.changed).toLocaleTimeString()}`;
        b.onclick = () => {
          done(s.id);
          dialog("again-dialog").close();
        };
        item.append(b);
        return item;
      }));
      dialog("again-dialog").onclose = () => done(0);
      dialog("again-dialog").showModal();
    });
    if (id) return get(`sessions/${id}`);
  }
  return /** @type {Session} */ (await send("POST", "sessions"));
}

try {
  const recording = /** @type {Recording} */ (await get("recording"));
  const session = await begin();
  history.replaceState(null, "", `#session=${session.id}`);
  const page = new Page(recording, session);
  Object.assign(window, { audiosepPage: page }); // for scripts
} catch (e) {
  el("message").textContent = e instanceof Error ? e.message : String(e);
}
