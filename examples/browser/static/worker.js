// The program, apart from the page, so that the page answers while it works.
importScripts('wasm_exec.js')
const go = new Go()
WebAssembly.instantiateStreaming(fetch('audiosep.wasm'), go.importObject).then(({ instance }) => {
  // It ends only by breaking down, such as where a recording does not fit in memory.
  go.run(instance).then(() => postMessage({ ended: 'the program broke down, perhaps for want of memory; want a shorter recording' }))
  postMessage(audiosepPresets())
}).catch(e => postMessage({ error: `the program could not be loaded: ${e.message}` }))

onmessage = ({ data }) => audiosepSeparate(data.preset, data.name, data.content, data.options, said => postMessage(said))
