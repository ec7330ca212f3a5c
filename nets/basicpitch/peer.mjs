// Runs the model of the npm package @spotify/basic-pitch on one window of 43 844 float32 samples
// at 22 050 Hz with TensorFlow.js (npm install @tensorflow/tfjs-core @tensorflow/tfjs-converter
// @tensorflow/tfjs-backend-cpu) and writes every eighth frame, from the fourth on, of note and
// onset, frame after frame, as float32:
//
//	node peer.mjs package/model/model.json in.f32 out.f32
import fs from 'node:fs'
import path from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { loadGraphModel } from '@tensorflow/tfjs-converter'
import '@tensorflow/tfjs-backend-cpu'

const [file, input, output] = process.argv.slice(2)
const json = JSON.parse(fs.readFileSync(file))
const shard = fs.readFileSync(path.join(path.dirname(file), json.weightsManifest[0].paths[0]))
const model = await loadGraphModel({
  load: async () => ({
    modelTopology: json.modelTopology,
    signature: json.signature,
    weightSpecs: json.weightsManifest[0].weights,
    weightData: shard.buffer.slice(shard.byteOffset, shard.byteOffset + shard.length),
  }),
})
const bytes = fs.readFileSync(input)
const x = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
const [note, onset] = model.execute(tf.tensor3d(x, [1, x.length, 1]), ['Identity_1', 'Identity_2'])
const frames = []
for (let t = 4; t < 172; t += 8) {
  for (const y of [note, onset]) frames.push(...y.dataSync().subarray(88 * t, 88 * (t + 1)))
}
fs.writeFileSync(output, Buffer.from(new Float32Array(frames).buffer))
