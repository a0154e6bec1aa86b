const { openSync } = require('node:fs')
const { createServer } = require('node:net')
const path = require('node:path')
const { getHeapStatistics, setFlagsFromString, writeHeapSnapshot } = require('node:v8')
const { runInNewContext } = require('node:vm')

/**
 * Loaded into the roles of a server (`NODE_OPTIONS=--require=…`): tells whoever connects and sends a line of JSON, `{ collect, snapshot }`, what
 * only the process itself knows of its memory, in bytes. Plain JavaScript, since a file that Node strips the types of costs 40 MiB.
 */

const role = /\/src\/main\/(server|api|worker|router)\.ts$/.exec(process.argv[1] ?? '')?.[1]
const directory = process.env.SOAK_PROBES

if (role !== undefined && directory !== undefined) {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', (question) => socket.end(JSON.stringify(answer(JSON.parse(question.toString())))))
  })
  server.listen(path.join(directory, `${role}-${process.pid}`)).unref()
  if (role === 'router') breakOnPurpose(process.env.SOAK_FAULT)
}

function answer({ collect, snapshot }) {
  const managed = getHeapStatistics().total_heap_size + process.memoryUsage().external
  if (collect) collectGarbage()
  if (snapshot !== undefined)
    writeHeapSnapshot(path.join(snapshot, `${role}-${process.pid}-${Date.now()}.heapsnapshot`))
  return { managed, heap: getHeapStatistics().used_heap_size, external: process.memoryUsage().external }
}

let collector
function collectGarbage() {
  setFlagsFromString('--expose-gc')
  collector ??= runInNewContext('gc')
  collector()
}

function breakOnPurpose(fault) {
  const kept = []
  const leak = () => kept.push(Array.from({ length: 8_192 }, (_, i) => i + Math.random()))
  if (fault === 'memory') setInterval(leak, 100).unref()
  if (fault === 'descriptors') setInterval(() => openSync('/dev/null', 'r'), 500).unref()
}
