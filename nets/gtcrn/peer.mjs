// Denoises float32 samples at 16 kHz with gtcrn.wasm of the npm package
// @sapphi-red/web-noise-suppressor 0.4.1, and tells how long that took:
//
//	node peer.mjs gtcrn.wasm in.f32 out.f32
import fs from 'node:fs'

const [wasm, input, output] = process.argv.slice(2)
const grow = (bytes) => {
  memory.grow(Math.ceil((bytes - memory.buffer.byteLength) / 65536))
  return 1
}
const fail = () => { throw new Error('an assertion of gtcrn.wasm failed') }
const { instance } = await WebAssembly.instantiate(fs.readFileSync(wasm), { a: { a: fail, b: grow } })
// What the names of the package's exports stand for.
const { c: memory, d: start, e: create, i: run, k: malloc } = instance.exports
start()
const hop = 256
const state = create(), from = malloc(4 * hop), to = malloc(4 * hop)
const bytes = fs.readFileSync(input)
const x = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
const padded = new Float32Array((Math.ceil(x.length / hop) + 1) * hop)
padded.set(x)
const y = new Float32Array(padded.length)
const began = performance.now()
for (let at = 0; at < padded.length; at += hop) {
  new Float32Array(memory.buffer, from, hop).set(padded.subarray(at, at + hop))
  run(state, from, to)
  y.set(new Float32Array(memory.buffer, to, hop), at)
}
const seconds = (performance.now() - began) / 1000
const heard = y.slice(hop, hop + x.length) // without its delay
fs.writeFileSync(output, Buffer.from(heard.buffer))
console.log(`${x.length / 16000} s of sound in ${seconds.toFixed(3)} s`)
