// What a plugin of audiosep needs of protocol buffers and gRPC, as plugins/wire/stage.proto tells it:
// messages are made of and read by the numbers of their fields.
const fs = require('fs')
const http2 = require('http2')
const os = require('os')
const path = require('path')

// varint returns a whole number in groups of 7 bits, least first.
function varint (n) {
  const bytes = []
  for (n = BigInt(n); n > 127n; n >>= 7n) bytes.push(Number(n & 127n) | 128)
  return Buffer.from([...bytes, Number(n)])
}

// message returns a message of fields [number, value]: texts, bytes, float64 arrays, messages, whole numbers.
function message (...fields) {
  const parts = []
  for (const [number, value] of fields) {
    if (typeof value === 'number') {
      parts.push(varint(number << 3), varint(value))
      continue
    }
    const bytes = value instanceof Float64Array ? Buffer.from(value.buffer) : Buffer.from(value)
    parts.push(varint(number << 3 | 2), varint(bytes.length), bytes)
  }
  return Buffer.concat(parts)
}

// Message reads one; of a field that stands there several times it has the first.
class Message {
  constructor (bytes) {
    this.fields = new Map()
    let at = 0
    const whole = () => {
      let n = 0n
      for (let shift = 0n; ; shift += 7n) {
        if (at >= bytes.length) throw new Error('a message ends too soon')
        const b = bytes[at++]
        n |= BigInt(b & 127) << shift
        if (b < 128) return n
      }
    }
    while (at < bytes.length) {
      const key = Number(whole())
      let value
      switch (key & 7) {
        case 0: value = Number(whole()); break
        case 1: value = bytes.subarray(at, at += 8); break
        case 2: { const n = Number(whole()); value = bytes.subarray(at, at += n); break }
        case 5: value = bytes.subarray(at, at += 4); break
        default: throw new Error(`a field is of kind ${key & 7}; want 0, 1, 2 or 5`)
      }
      if (!this.fields.has(key >> 3)) this.fields.set(key >> 3, value)
    }
  }

  has (n) { return this.fields.has(n) }
  number (n) { return this.fields.get(n) || 0 }
  bytes (n) { return this.fields.get(n) || Buffer.alloc(0) }
  message (n) { return new Message(this.bytes(n)) }
}

// numbers returns bytes as float64, little-endian, which every machine that Node runs on is.
const numbers = (bytes) => new Float64Array(new Uint8Array(bytes).buffer)

// serve answers the calls of service Plugin until the host has gone.
function serve (calls) {
  if (process.env.AUDIOSEP_PLUGIN !== '4f1d0a6e5cb34c7f') {
    console.error(`${path.basename(process.argv[1])} is a plugin of audiosep: name its folder with audiosep --plugins.`)
    process.exit(2)
  }
  const all = {
    '/grpc.health.v1.Health/Check': () => Buffer.from([8, 1]), // SERVING
    '/plugin.GRPCController/Shutdown': () => { setTimeout(() => process.exit(0), 10); return message() }
  }
  for (const name in calls) all['/audiosep.plugin.v1.Plugin/' + name] = calls[name]

  const server = http2.createServer({ settings: { initialWindowSize: 8 << 20, maxFrameSize: 1 << 20 } })
  server.on('session', (session) => session.setLocalWindowSize(64 << 20))
  server.on('stream', (stream, headers) => {
    const parts = []
    stream.on('data', (part) => parts.push(part))
    stream.on('error', () => {}) // the host has given up this call
    stream.on('end', () => {
      let reply = null
      let end = { 'grpc-status': '0' }
      try {
        const call = all[headers[':path']]
        if (!call) end = { 'grpc-status': '12', 'grpc-message': 'this plugin does not serve it' } // UNIMPLEMENTED
        else reply = call(new Message(Buffer.concat(parts).subarray(5)))
      } catch (err) {
        end = { 'grpc-status': '2', 'grpc-message': encodeURIComponent(err.message) } // UNKNOWN
      }
      if (stream.destroyed) return
      stream.on('wantTrailers', () => stream.sendTrailers(end))
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      if (reply) {
        const head = Buffer.alloc(5) // not compressed, and the length
        head.writeUInt32BE(reply.length, 1)
        stream.write(head)
        stream.write(reply)
      }
      stream.end()
    })
  })
  const socket = path.join(fs.mkdtempSync(path.join(process.env.PLUGIN_UNIX_SOCKET_DIR || os.tmpdir(), 'sine-')), 'socket')
  server.listen(socket, () => fs.writeSync(1, `1|1|unix|${socket}|grpc|\n`))
  process.stdin.on('end', () => process.exit(0)).resume() // the host is gone
}

module.exports = { serve, message, numbers }
