import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { surviveFailedStarts } from '../../src/child-streams.ts'

/**
 * Run with a low `ulimit -n`: begins children where each fails at another descriptor, beside
 * channels, which need none, and closes those later. Exits with 0 unless its memory is damaged.
 */
surviveFailedStarts()
for (let round = 0; round < 40; round++) {
  const taken = takeAll()
  for (const descriptor of taken.splice(0, round % 10)) closeSync(descriptor)
  const channels = Array.from({ length: 20 }, () => {
    spawn('true')
    return new MessageChannel()
  })
  await new Promise(setImmediate)
  for (const { port1 } of channels) port1.close()
  for (const descriptor of taken) closeSync(descriptor)
  await once(spawn('true'), 'close')
}
process.exit()

function takeAll(): number[] {
  const taken: number[] = []
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch {
    return taken
  }
}
