// Denoises float32 samples at 48 kHz with rnnoise.wasm of the npm package
// @sapphi-red/web-noise-suppressor 0.4.1, and tells how long that took:
//
//	node peer.mjs rnnoise.wasm in.f32 out.f32
import fs from 'node:fs'

const [wasm, input, output] = process.argv.slice(2)
const fail = () => { throw new Error('an assertion of rnnoise.wasm failed') }
const env = {
  emscripten_memcpy_big: (to, from, n) => { new Uint8Array(memory.buffer).copyWithin(to, from, from + n) },
  emscripten_resize_heap: (size) => {
    memory.grow(Math.ceil((size - memory.buffer.byteLength) / 65536))
    return 1
  },
  __assert_fail: fail,
}
const { instance } = await WebAssembly.instantiate(fs.readFileSync(wasm), { env })
const { memory, malloc, rnnoise_create: create, rnnoise_process_frame: run } = instance.exports
instance.exports.__wasm_call_ctors()
instance.exports.emscripten_stack_init()
const hop = 480
const full = 32768 // it takes numbers of 16 bits
const state = create(0), at = malloc(4 * hop)
const bytes = fs.readFileSync(input)
const x = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
const padded = new Float32Array((Math.ceil(x.length / hop) + 1) * hop)
padded.set(x)
const y = new Float32Array(padded.length)
const began = performance.now()
for (let from = 0; from < padded.length; from += hop) {
  const frame = new Float32Array(memory.buffer, at, hop)
  for (let i = 0; i < hop; i++) frame[i] = full * padded[from + i]
  run(state, at, at)
  for (let i = 0; i < hop; i++) y[from + i] = frame[i] / full
}
const seconds = (performance.now() - began) / 1000
const heard = y.slice(hop, hop + x.length) // without its delay
fs.writeFileSync(output, Buffer.from(heard.buffer))
console.log(`${x.length / 48000} s of sound in ${seconds.toFixed(3)} s`)
