import { describe, expect, it } from 'vitest'
import { dynoSizes } from '../../src/model/formation.ts'
import { newId, type AppId } from '../../src/model/ids.ts'
import type { Dyno } from '../../src/engine/engine.ts'
import { explainBoot } from '../../src/dynos/explain.ts'
import { explainExit } from '../../src/model/dyno-exit.ts'

const exit = (code: number, outOfMemory = false) => explainExit({ code, outOfMemory }, dynoSizes['standard-2x'])

describe('an exit', () => {
  it.each([
    [1, 'exited with 1'],
    [0, 'exited with 0: it ended by itself'],
    [126, 'exited with 126: the command cannot be executed'],
    [127, 'exited with 127: command not found'],
    [137, 'exited with 137: killed by SIGKILL'],
    [143, 'exited with 143: killed by SIGTERM'],
    [139, 'exited with 139: killed by SIGSEGV'],
  ])('with %i is told as "%s"', (code, told) => {
    expect(exit(code)).toBe(told)
  })

  it('for memory names the limit of the dyno size', () => {
    expect(exit(137, true)).toBe('was killed for memory at 1024 MB')
  })
})

describe('a dyno that does not answer', () => {
  const state = { kind: 'running' as const, since: new Date() }
  const base = { id: 'x', appId: newId<AppId>(), name: 'web.1', type: 'web', release: 2, size: 'basic', image: '' }
  const dyno: Dyno = {
    ...base,
    address: '10.0.0.2',
    port: 5000,
    state,
    restarts: 0,
    attached: false,
    createdAt: new Date(),
  }
  const explain = (...sockets: { address: string; port: number }[]) => {
    const engine = { listeningSockets: async () => sockets }
    return explainBoot(
      { engine, boot: { timeoutSeconds: 60 }, sizes: dynoSizes },
      { kind: 'timeout', dyno, outOfMemory: false, reply: { kind: 'refused' } },
    )
  }

  it('listens on nothing', async () => {
    expect(await explain()).toBe('nothing listens on $PORT (5000) after 60 s')
  })

  it('has lost a process to its memory limit', async () => {
    const engine = { listeningSockets: async () => [] }
    const failure = { kind: 'timeout' as const, dyno, outOfMemory: true, reply: { kind: 'refused' as const } }
    expect(await explainBoot({ engine, boot: { timeoutSeconds: 60 }, sizes: dynoSizes }, failure)).toBe(
      'web.1 was killed for memory at 512 MB',
    )
  })

  it('listens on another port', async () => {
    expect(await explain({ address: '127.0.0.1', port: 3000 })).toBe(
      'nothing listens on $PORT (5000); the process listens on 127.0.0.1:3000',
    )
  })

  it('listens on the right port of the wrong address', async () => {
    expect(await explain({ address: '::1', port: 9229 }, { address: '127.0.0.1', port: 5000 })).toBe(
      'nothing listens on 0.0.0.0:$PORT (5000); the process listens on 127.0.0.1:5000 only',
    )
    expect(await explain({ address: '::1', port: 5000 })).toContain('listens on [::1]:5000 only')
  })

  it('listens where it should, but takes no connections', async () => {
    expect(await explain({ address: '0.0.0.0', port: 5000 })).toBe(
      'the process listens on 0.0.0.0:5000, but does not accept connections within 60 s',
    )
  })
})
