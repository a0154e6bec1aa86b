import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestApp, until } from '../helpers/app.ts'
import { watchApp } from '../helpers/load.ts'
import { readLog } from '../helpers/logs.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

/** What apps do to a server: each is contained, explained, and leaves its neighbour alone. */

let server: TestServer
let neighbour: TestApp
beforeAll(async () => {
  server = await startServer({
    env: {
      PAAS_BOOT_TIMEOUT: '10',
      PAAS_STOP_GRACE: '3',
      PAAS_DRAIN_TIMEOUT: '2',
      PAAS_BUILD_MEMORY_MIB: '256',
      PAAS_BUILD_TIMEOUT: '30',
    },
  })
  neighbour = await appOf(answering('neighbour'))
  await neighbour.push()
})
afterAll(async () => {
  await neighbour?.[Symbol.asyncDispose]()
  await server?.stop()
})

const answering = (text: string, also = ''): string =>
  `${also}\nrequire('node:http').createServer((q,a)=>a.end(${JSON.stringify(text)})).listen(process.env.PORT)\n`

async function appOf(source: string, scripts: Record<string, string> = {}): Promise<TestApp> {
  const app = await TestApp.create(server, 'node-hello')
  await change(app, source, scripts)
  return app
}

async function change(app: TestApp, source: string, scripts: Record<string, string> = {}): Promise<void> {
  await app.repository.write('server.js', source)
  await app.repository.write(
    'package.json',
    JSON.stringify({ name: 'app', version: '1.0.0', scripts: { start: 'node server.js', ...scripts } }),
  )
  await app.repository.commit('change')
}

/** Runs `work` while the neighbour is asked all the time, and holds that it never failed. */
async function besideTheNeighbour(work: () => Promise<void>): Promise<void> {
  const watch = watchApp(neighbour, /^neighbour$/)
  await work()
  const { answered, failures } = await watch.stop()
  expect(failures).toEqual([])
  expect(answered).toBeGreaterThan(5)
}

describe('an app that', () => {
  it('is healthy and crashes 10 s after the switch is shown as crashed, answers H10 and is reported in its log', async () => {
    await using app = await appOf(answering('short life', 'setTimeout(() => process.exit(9), 10_000)'))
    expect((await app.push()).code).toBe(0)
    expect((await app.get()).body).toBe('short life')
    await until('the crash is in the log', async () => /exited with status 9/.test(await readLog(app)))
    await app.api('DELETE', '')
  })

  it('crashes in a loop is backed off and answered for with H10', async () => {
    await besideTheNeighbour(async () => {
      await using app = await appOf(answering('loop', 'setTimeout(() => process.exit(1), 1500)'))
      expect((await app.push()).code).toBe(0)
      await until('H10', async () => {
        const { status, body } = await app.get()
        return status === 503 && body.includes('H10')
      })
      const crashed = await until('it is shown as crashed', async () => {
        const { body } = await app.api<{ state: string; next_start_at: string | null }[]>('GET', '/dynos')
        return body.find(({ state }) => state === 'crashed')
      })
      expect(crashed).toMatchObject({ exit_status: 1, reason: { id: 'exited', message: 'exited with 1' } })
      expect(Date.parse(crashed.next_start_at ?? '')).toBeLessThan(Date.now() + 60_000)
      await app.api('DELETE', '')
    })
  })

  it('ignores SIGTERM is killed after the grace time', async () => {
    await using app = await appOf(answering('stubborn', "process.on('SIGTERM', () => undefined)"))
    await app.push()
    await change(app, answering('next'))
    expect((await app.push()).code).toBe(0)
    expect((await app.get()).body).toBe('next')
    await until('one dyno is left', async () => (await dynos(app)).length === 1)
    await expect.poll(() => readLog(app)).toMatch(/SIGKILL/)
    await app.api('DELETE', '')
  })

  it('eats memory is explained by its limit', async () => {
    await besideTheNeighbour(async () => {
      await using app = await appOf('const hog = []; setInterval(() => hog.push(Buffer.alloc(64e6, 1)), 20)\n')
      const push = await app.push()
      expect(push.code).toBe(1)
      expect(push.output).toMatch(/memory.*512 ?M/i)
    })
  })

  it('forks without end is contained', async () => {
    await besideTheNeighbour(async () => {
      const bomb =
        "const {spawn}=require('node:child_process');setInterval(()=>{for(let n=0;n<50;n++)spawn('sleep',['100']).on('error',()=>undefined)},10)"
      await using app = await appOf(answering('bomb', bomb))
      expect((await app.push()).output).toMatch(/Released v2|boot failed/)
      await app.api('DELETE', '')
    })
  })

  it('writes 32 MB and endless lines keeps serving, within a bounded log', async () => {
    await besideTheNeighbour(async () => {
      const burst = "for(let n=0;n<320;n++)process.stdout.write('x'.repeat(100_000)+(n%2?'\\n':''))"
      await using app = await appOf(answering('burst', burst))
      expect((await app.push()).code).toBe(0)
      expect((await app.get()).body).toBe('burst')
      await app.api('DELETE', '')
    })
  })
})

describe('a build that', () => {
  it('eats memory fails with the limit named', async () => {
    await besideTheNeighbour(async () => {
      await using app = await appOf(answering('never'), {
        build: `node -e "const h=[];setInterval(()=>h.push(Buffer.alloc(64e6,1)),10)"`,
      })
      const push = await app.push()
      expect(push.code).toBe(1)
      expect(push.output).toMatch(/memory.*256 ?M/i)
    })
  })

  it('forks without end fails at the latest when its time limit is reached', async () => {
    await besideTheNeighbour(async () => {
      await using app = await appOf(answering('never'), { build: 'bomb() { bomb | bomb & }; bomb; sleep 2; exit 5' })
      const push = await app.push()
      expect(push.code).toBe(1)
      expect(push.output).toMatch(/build (failed|timed out)/)
    })
  })
})

async function dynos(app: TestApp): Promise<unknown[]> {
  return (await app.api<unknown[]>('GET', '/dynos')).body
}
