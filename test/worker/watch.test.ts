import { pino } from 'pino'
import { expect, it } from 'vitest'
import { PaasError } from '../../src/errors.ts'
import { watchEngine, type Watch } from '../../src/worker/watch.ts'

it('what keeps apps from being looked after is told to the operator, once for each reason', async () => {
  const lines: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) })
  const ending = new AbortController()
  const reasons = ['no iptables', 'no iptables', 'no ip6tables']
  const watch: Watch = {
    engine: { info: async () => ({ version: '20.10' }) as never, watch: async function* () {} },
    engineBack: async () => {
      const reason = reasons.shift()
      if (reason !== undefined) throw new PaasError('host_not_secured', reason)
      ending.abort()
    },
    heard: () => undefined,
    lost: () => undefined,
    log,
  }
  await watchEngine(watch, ending.signal)
  expect(lines.map((line) => (JSON.parse(line) as { err: { message: string } }).err.message)).toEqual([
    'no iptables',
    'no ip6tables',
  ])
})
