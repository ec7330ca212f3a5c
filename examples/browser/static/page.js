// The page: a form, and what the worker says.
const get = id => document.getElementById(id)
const say = (text, bad = false) => {
  get('message').textContent = text
  get('message').toggleAttribute('data-bad', bad)
}
let worker, presets = []

// start loads the program; to cancel a run is to end its worker and start another.
function start() {
  worker = new Worker('worker.js')
  worker.onmessage = ({ data }) => {
    if (data.presets) ready(data.presets)
    else if (data.stems) done(data.stems)
    else if (data.ended) presets.length ? restart(data.ended, true) : end(data.ended, true)
    else if (data.error) end(data.error, true)
    else step(data)
  }
  worker.onerror = e => end(e.message || 'the program could not be loaded', true)
}

function ready(list) {
  if (!presets.length) {
    presets = list
    get('preset').replaceChildren(...list.map(p => new Option(`${p.name}: ${p.title}`, p.name)))
    choose()
  }
  get('preset').disabled = get('go').disabled = false
  if (!get('message').hasAttribute('data-bad') && !get('stems').children.length) say('Ready.')
}

function choose() {
  const p = presets.find(p => p.name === get('preset').value)
  get('about').textContent = p.about
  get('options').replaceChildren(...p.options.flatMap(o => {
    const label = document.createElement('label'), input = document.createElement('input')
    label.htmlFor = input.id = 'option-' + o.name
    label.textContent = `${o.name}: ${o.about}`
    input.name = o.name
    return [label, input]
  }))
}

async function separate(event) {
  event.preventDefault()
  const file = get('file').files[0]
  const options = Object.fromEntries([...get('options').querySelectorAll('input')].filter(i => i.value).map(i => [i.name, i.value]))
  for (const a of get('stems').querySelectorAll('a')) URL.revokeObjectURL(a.href)
  get('stems').replaceChildren()
  busy(true)
  say(`Separating ${file.name}…`)
  const asked = worker // another has not loaded its program yet
  let content
  try {
    content = new Uint8Array(await file.arrayBuffer())
  } catch (e) {
    if (asked === worker) end(`${file.name} cannot be read: ${e.message}`, true)
    return
  }
  if (asked === worker) asked.postMessage({ preset: get('preset').value, name: file.name, content, options }, [content.buffer])
}

function busy(on) {
  get('go').disabled = on
  get('cancel').hidden = get('progress').hidden = !on
  get('progress').removeAttribute('value')
}

function step({ stage, done, of }) {
  if (of > 0) get('progress').value = done / of
  say(`${stage}: ${done} of ${of}`)
}

function done(stems) {
  busy(false)
  get('stems').replaceChildren(...stems.map(({ name, file }) => {
    const item = document.createElement('li'), link = document.createElement('a'), player = document.createElement('audio')
    link.href = player.src = URL.createObjectURL(new Blob([file], { type: 'audio/wav' }))
    link.download = link.textContent = name
    player.controls = true
    player.setAttribute('aria-label', name)
    item.append(link, player)
    return item
  }))
  say(`${stems.length} stems.`)
}

function end(text, bad) {
  busy(false)
  say(text, bad)
}

get('preset').addEventListener('change', choose)
get('form').addEventListener('submit', separate)
// restart says why, and starts another program.
function restart(text, bad) {
  worker.terminate()
  end(text, bad)
  get('go').disabled = true
  start()
}

get('cancel').addEventListener('click', () => restart('Cancelled.', false))
start()
