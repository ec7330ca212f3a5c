// Playback: chunks of sound that are fetched as they are needed, put one behind the other on
// the clock of Web Audio. Several tracks run side by side, of which one is heard, so that a
// change between them is immediate.

/** Gets n samples of a track from sample at on, channel after channel.
 * @typedef {(track: string, at: number, n: number) => Promise<Float32Array>} Samples */

/** A stretch of the recording at a time of the audio's clock.
 * @typedef {{when: number, at: number, n: number}} Stretch s, sample, samples */

const chunkSeconds = 2;
const ahead = 1.2; // s that are scheduled before they are heard
const fade = 0.012; // s

export class Player {
  /** @param {{rate: number, channels: number, samples: number}} sound @param {Samples} get */
  constructor(sound, get) {
    this.sound = sound;
    this.get = get;
    this.chunk = Math.round(chunkSeconds * sound.rate);
    /** @type {Map<string, Promise<AudioBuffer>>} */ this.chunks = new Map();
    /** @type {AudioContext | null} */ this.context = null;
    /** @type {Track[]} */ this.tracks = [];
    this.heard = 0;
    this.volume = 1;
    /** Samples. @type {{from: number, to: number} | null} */ this.loop = null;
    this.position = 0; // sample, while nothing plays
    /** @type {Stretch[]} */ this.timeline = [];
    this.playing = false;
    this.turn = 0; // grows with each start, so that what was begun before stops
    /** Called when playing begins or ends. @type {() => void} */ this.onstate = () => {};
    /** @type {(e: Error) => void} */ this.onerror = () => {};
  }

  /** Makes the audio context, which browsers allow when a key or a button was pressed. */
  start() {
    if (!this.context) {
      this.context = new AudioContext({ sampleRate: this.sound.rate, latencyHint: "interactive" });
      this.output = this.context.createGain();
      this.output.connect(this.context.destination);
      this.output.gain.value = this.volume;
      for (const t of this.tracks) t.connect(this.context, this.output);
    }
    return this.context;
  }

  /** @param {number} v 0 to 1 */
  setVolume(v) {
    this.volume = v;
    if (this.output && this.context) this.output.gain.setTargetAtTime(v, this.context.currentTime, 0.01);
  }

  /** Says what the tracks are; those that stay the same go on undisturbed.
   * @param {string[]} names @param {number} heard which of them is heard */
  setTracks(names, heard) {
    const before = this.tracks;
    this.tracks = names.map((name, i) => (before[i]?.name === name ? before[i] : new Track(name)));
    this.heard = heard;
    for (const t of before) if (!this.tracks.includes(t)) t.end(this.context);
    if (!this.context || !this.output) return;
    for (const [i, t] of this.tracks.entries()) {
      if (!before.includes(t)) {
        t.connect(this.context, this.output);
        this.join(t).catch(this.onerror);
      }
      t.level(this.context, i === heard ? 1 : 0);
    }
  }

  /** Where the recording is at a time of the clock, in samples. @param {number} [when] */
  now(when) {
    if (!this.playing || !this.context) return this.position;
    when ??= this.context.currentTime;
    let at = this.position;
    for (const s of this.timeline) {
      if (s.when > when) break;
      at = s.at + Math.min(s.n, (when - s.when) * this.sound.rate);
    }
    return at;
  }

  /** A chunk of a track, fetched once. @param {string} track @param {number} index */
  fetched(track, index) {
    const key = `${index} ${track}`;
    let p = this.chunks.get(key);
    if (p) {
      this.chunks.delete(key);
    } else {
      const at = index * this.chunk, n = Math.min(this.chunk, this.sound.samples - at);
      p = this.get(track, at, n).then((x) => {
        const b = new AudioBuffer({ numberOfChannels: this.sound.channels, length: n, sampleRate: this.sound.rate });
        for (let c = 0; c < this.sound.channels; c++) b.copyToChannel(/** @type {Float32Array<ArrayBuffer>} */ (x.subarray(c * n, (c + 1) * n)), c);
        return b;
      });
      p.catch(() => this.chunks.delete(key));
    }
    this.chunks.set(key, p);
    if (this.chunks.size > 96) this.chunks.delete(/** @type {string} */ (this.chunks.keys().next().value));
    return p;
  }

  /** @param {number} [from] sample */
  async play(from) {
    const context = this.start();
    await context.resume();
    this.silence();
    if (from !== undefined) this.position = from;
    if (this.loop && (this.position < this.loop.from || this.position >= this.loop.to)) this.position = this.loop.from;
    if (this.position >= this.sound.samples) this.position = 0;
    this.playing = true;
    this.timeline = [];
    const turn = ++this.turn;
    this.onstate();
    let at = Math.floor(this.position), when = 0;
    for (let i = 0; this.turn === turn; i++) {
      const s = this.next(at);
      if (!s) break;
      const tracks = [...this.tracks];
      const buffers = await Promise.all(tracks.map((t) => this.fetched(t.name, s.index)));
      if (this.turn !== turn) return;
      when = Math.max(when, context.currentTime + (i ? 0.01 : 0.03));
      this.timeline.push({ when, at: s.at, n: s.n });
      if (this.timeline.length > 64) this.timeline.shift();
      for (const [k, t] of tracks.entries()) if (this.tracks.includes(t)) t.put(context, buffers[k], { when, at: s.at, n: s.n }, s.index * this.chunk);
      when += s.n / this.sound.rate;
      at = s.at + s.n;
      while (this.turn === turn && when - context.currentTime > ahead) await wait(60);
    }
    while (this.turn === turn && context.currentTime < when) await wait(30);
    if (this.turn === turn) this.pause(0);
  }

  /** What follows sample at: to the end of its chunk, of the loop or of the recording.
   * @param {number} at */
  next(at) {
    if (this.loop && at >= this.loop.to) at = this.loop.from;
    if (at >= this.sound.samples) return null;
    const index = Math.floor(at / this.chunk);
    const end = Math.min((index + 1) * this.chunk, this.loop && at < this.loop.to ? this.loop.to : Infinity, this.sound.samples);
    return { index, at, n: end - at };
  }

  /** Has a new track join what is playing. @param {Track} t */
  async join(t) {
    const turn = this.turn, context = this.context;
    if (!this.playing || !context) return;
    for (const s of [...this.timeline]) {
      if (s.when + s.n / this.sound.rate < context.currentTime) continue;
      const index = Math.floor(s.at / this.chunk);
      const b = await this.fetched(t.name, index);
      if (this.turn !== turn || !this.tracks.includes(t)) return;
      // What is late begins in its middle.
      const late = Math.max(0, Math.ceil((context.currentTime + 0.01 - s.when) * this.sound.rate));
      if (late < s.n) t.put(context, b, { when: s.when + late / this.sound.rate, at: s.at + late, n: s.n - late }, index * this.chunk);
    }
  }

  silence() {
    this.turn++;
    for (const t of this.tracks) t.stop(this.context);
  }

  /** @param {number} [at] sample to stand at; left out: where it is */
  pause(at) {
    this.position = at ?? this.now();
    this.playing = false;
    this.silence();
    this.onstate();
  }

  /** @param {number} at sample */
  seek(at) {
    at = Math.max(0, Math.min(this.sound.samples - 1, Math.round(at)));
    if (this.playing) this.play(at).catch(this.onerror);
    else {
      this.position = at;
      this.onstate();
    }
  }

  /** Plays again from where it is, as after a change of the loop. */
  again() {
    if (this.playing) this.play(this.now()).catch(this.onerror);
  }

  /** What would be heard of a track, as samples: the same chunks, put together by the same
   * hand, in an offline context. @param {string} track @param {number} at @param {number} n */
  async render(track, at, n) {
    const context = new OfflineAudioContext(this.sound.channels, n, this.sound.rate);
    const t = new Track(track);
    t.connect(context, context.destination);
    t.level(context, 1);
    for (let done = 0; done < n && at + done < this.sound.samples; ) {
      const index = Math.floor((at + done) / this.chunk);
      const end = Math.min((index + 1) * this.chunk, at + n, this.sound.samples);
      const run = end - at - done;
      t.put(context, await this.fetched(track, index), { when: done / this.sound.rate, at: at + done, n: run }, index * this.chunk);
      done += run;
    }
    const b = await context.startRendering();
    return Array.from({ length: b.numberOfChannels }, (_, c) => b.getChannelData(c));
  }
}

/** One of the sounds that run side by side. */
class Track {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    /** @type {GainNode | null} */ this.gain = null;
    /** @type {Set<AudioBufferSourceNode>} */ this.nodes = new Set();
  }

  /** @param {BaseAudioContext} context @param {AudioNode} to */
  connect(context, to) {
    this.gain = context.createGain();
    this.gain.gain.value = 0;
    this.gain.connect(to);
  }

  /** @param {BaseAudioContext} context @param {number} level */
  level(context, level) {
    const g = this.gain?.gain;
    if (!g) return;
    if (context.currentTime === 0) g.value = level;
    else {
      g.cancelScheduledValues(context.currentTime);
      g.setTargetAtTime(level, context.currentTime, fade / 3);
    }
  }

  /** Puts a stretch on the clock. @param {BaseAudioContext} context @param {AudioBuffer} buffer
   * @param {Stretch} s @param {number} first the sample that the buffer begins with */
  put(context, buffer, s, first) {
    const node = new AudioBufferSourceNode(context, { buffer });
    node.connect(/** @type {GainNode} */ (this.gain));
    node.start(s.when, (s.at - first) / buffer.sampleRate, s.n / buffer.sampleRate);
    this.nodes.add(node);
    node.onended = () => this.nodes.delete(node);
  }

  /** @param {BaseAudioContext | null} context */
  stop(context) {
    for (const node of this.nodes) if (context) node.stop(context.currentTime + fade);
    this.nodes.clear();
  }

  /** @param {BaseAudioContext | null} context */
  end(context) {
    if (!context || !this.gain) return;
    this.level(context, 0);
    this.stop(context);
    const gain = this.gain;
    setTimeout(() => gain.disconnect(), 100);
  }
}

/** @param {number} ms */
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** A WAV file of 32-bit floats. @param {Float32Array[]} channels @param {number} rate */
export function wav(channels, rate) {
  const n = channels[0].length, size = 4 * n * channels.length;
  const b = new DataView(new ArrayBuffer(58 + size));
  const text = (/** @type {number} */ at, /** @type {string} */ s) => {
    for (let i = 0; i < s.length; i++) b.setUint8(at + i, s.charCodeAt(i));
  };
  const u16 = (/** @type {number} */ at, /** @type {number} */ x) => b.setUint16(at, x, true);
  const u32 = (/** @type {number} */ at, /** @type {number} */ x) => b.setUint32(at, x, true);
  text(0, "RIFF");
  u32(4, 50 + size);
  text(8, "WAVEfmt ");
  u32(16, 18);
  u16(20, 3);
  u16(22, channels.length);
  u32(24, rate);
  u32(28, 4 * rate * channels.length);
  u16(32, 4 * channels.length);
  u16(34, 32);
  text(38, "fact");
  u32(42, 4);
  u32(46, n);
  text(50, "data");
  u32(54, size);
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < channels.length; c++) b.setFloat32(58 + 4 * (i * channels.length + c), channels[c][i], true);
  }
  return new Blob([b], { type: "audio/wav" });
}
