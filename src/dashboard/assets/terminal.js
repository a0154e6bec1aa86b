// Connects xterm.js with the process of a one-off dyno: frames as `paas run` has them, in messages
// of a WebSocket.
;(() => {
  const place = document.getElementById('terminal')
  if (!place || typeof Terminal !== 'function') return
  const state = document.getElementById('terminal-state')
  const { nonce } = document.currentScript

  // xterm.js makes style elements of its own; the page's policy wants a nonce of each.
  const create = document.createElement.bind(document)
  document.createElement = (name, ...more) => {
    const element = create(name, ...more)
    if (name === 'style') element.nonce = nonce
    return element
  }

  const types = {
    input: 0,
    inputEnd: 1,
    resize: 2,
    heartbeat: 3,
    started: 4,
    stdout: 5,
    stderr: 6,
    exit: 7,
    failure: 8,
  }
  const headLength = 5
  const style = getComputedStyle(place)
  const terminal = new Terminal({
    convertEol: false,
    cursorBlink: false,
    fontFamily: style.fontFamily,
    fontSize: 14,
    screenReaderMode: true,
    theme: { background: '#0f0f15', foreground: '#ececf4' },
  })
  terminal.open(place)
  fit()
  terminal.focus()

  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/dashboard/terminal`)
  socket.binaryType = 'arraybuffer'
  let pending = new Uint8Array(0)
  let isOver = false

  socket.addEventListener('open', () => {
    socket.send(`${place.dataset.token} ${terminal.cols}x${terminal.rows}`)
    say('Starting…')
  })
  socket.addEventListener('message', ({ data }) => {
    pending = joined(pending, new Uint8Array(data))
    for (let frame = next(); frame; frame = next()) take(frame)
  })
  socket.addEventListener('close', () => end('The connection is closed.'))

  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  terminal.onData((text) => send('input', encoder.encode(text)))
  terminal.onBinary((text) =>
    send(
      'input',
      Uint8Array.from(text, (one) => one.charCodeAt(0)),
    ),
  )
  terminal.onResize(({ cols, rows }) => send('resize', encoder.encode(`${cols}x${rows}`)))
  addEventListener('resize', fit)
  setInterval(() => send('heartbeat', new Uint8Array(0)), 30_000)

  function send(type, payload) {
    if (socket.readyState !== WebSocket.OPEN || isOver) return
    const frame = new Uint8Array(headLength + payload.length)
    frame[0] = types[type]
    new DataView(frame.buffer).setUint32(1, payload.length)
    frame.set(payload, headLength)
    socket.send(frame)
  }

  function next() {
    if (pending.length < headLength) return undefined
    const length = new DataView(pending.buffer, pending.byteOffset).getUint32(1)
    if (pending.length < headLength + length) return undefined
    const frame = { type: pending[0], payload: pending.subarray(headLength, headLength + length) }
    pending = pending.slice(headLength + length)
    return frame
  }

  function take({ type, payload }) {
    if (type === types.started) say('Running')
    else if (type === types.stdout || type === types.stderr) terminal.write(payload.slice())
    else if (type === types.exit) end(`Ended with ${decoder.decode(payload)}`)
    else if (type === types.failure) end(decoder.decode(payload))
  }

  function end(text) {
    if (isOver) return
    isOver = true
    terminal.options.disableStdin = true
    say(text)
  }

  function say(text) {
    state.textContent = text
  }

  function joined(one, other) {
    if (one.length === 0) return other
    const all = new Uint8Array(one.length + other.length)
    all.set(one)
    all.set(other, one.length)
    return all
  }

  // As many columns and rows as there is room for, by the size of what is drawn now.
  function fit() {
    const screen = place.querySelector('.xterm-screen')
    if (!screen?.clientWidth) return
    const width = screen.clientWidth / terminal.cols
    const height = screen.clientHeight / terminal.rows
    const columns = Math.max(20, Math.floor((place.clientWidth - 24) / width))
    const rows = Math.max(5, Math.floor((place.clientHeight - 16) / height))
    terminal.resize(columns, rows)
  }
})()
