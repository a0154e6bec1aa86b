import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../helpers/app.ts'
import { docker } from '../engine/support.ts'
import { Site } from './site.ts'
import { serve } from './site-app.ts'
import { watchRequests } from './watch-requests.ts'

let site: Site
beforeAll(async () => {
  const looks = { PAAS_PATROL_INTERVAL: '1', PAAS_SILENCE_TIMEOUT: '6', PAAS_MAX_DYNO_DISK_MIB: '4' }
  site = await Site.open({ ...looks, PAAS_STOP_GRACE: '2', PAAS_DRAIN_TIMEOUT: '2' })
})
afterAll(() => site?.[Symbol.asyncDispose]())

describe('a dyno that somebody', () => {
  it('paused, or took off its network, is replaced by a fresh one, and the log says why', async () => {
    const app = await site.createApp('meddled')
    await app.deploy(`web: ${serve('one')}\nworker: exec sleep 1000`)
    await app.scale('worker', 1)
    const before = await app.runs('web.1', 'worker.1')
    const [web = '', worker = ''] = before.toSorted((a, b) => a.name.localeCompare(b.name)).map(({ id }) => id)
    const network = '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}'
    await docker('network', 'disconnect', '--force', await docker('inspect', '--format', network, web), web)
    await docker('pause', worker)
    await until('others run alone', async () => {
      const dynos = await app.dynos()
      return dynos.length === 2 && dynos.every(({ id }) => id !== web && id !== worker)
    })
    await app.serves('one none')
    const lines = async () =>
      (await site.logLines(app, /Replacing|down|Starting/))
        .map((line) => line.replace(/process with.*/, 'process'))
        .toSorted()
    await expect
      .poll(lines)
      .toEqual([
        'web.1: Disconnected from its network. Replacing the dyno',
        'web.1: Starting process',
        'web.1: Starting process',
        'web.1: State changed from up to down',
        'worker.1: Processes were paused. Replacing the dyno',
        'worker.1: Starting process',
        'worker.1: Starting process',
        expect.stringMatching(/^worker.1: State changed from (starting|up) to down$/),
      ])
  })
})

describe('a dyno that gives no answer', () => {
  it('to anybody is replaced by a fresh one, and one that works for long is not', async () => {
    const moods = '$hangs = 1 if m{^GET /hang}; $works = 4 if m{^GET /work};'
    const Procfile = `web: ${serve('one').replace('last if', `${moods} last if`).replace('$b =', '1 while $hangs; sleep $works; $b =')}`
    const [hung, busy] = [await site.createApp('hung'), await site.createApp('busy')]
    await Promise.all([hung.deploy(Procfile), busy.deploy(Procfile)])
    const [[first], [worker]] = [await hung.dynos(), await busy.dynos()]
    const works = Promise.all([busy.get('/work'), busy.get('/work'), busy.get('/work')])
    const hangs = hung.get('/hang').catch(() => undefined)
    await until('it is not up', async () => site.store.dynoStates.find(first?.id ?? '')?.state === 'crashed')
    await until('another dyno serves alone', async () => {
      const [dyno, ...others] = await hung.dynos()
      return dyno && others.length === 0 && dyno.id !== first?.id
    })
    await hung.serves('one none')
    await hangs
    expect((await works).map(({ status }) => status)).toEqual([200, 200, 200])
    expect((await busy.dynos()).map(({ id }) => id)).toEqual([worker?.id])
    await expect
      .poll(async () =>
        (await site.logLines(hung, /answer|respond|crashed/)).filter((line) => !line.startsWith('router')),
      )
      .toEqual([
        'web.1: No HTTP answer for 6 seconds, neither to visitors nor to the server',
        'web.1: State changed from up to crashed',
        'api: Replacing web.1, which does not respond',
      ])
    expect(await site.logLines(busy, /No HTTP answer/)).toEqual([])
  })
})

describe('a dyno that fills its disk', () => {
  it('is replaced by a fresh one without a failed request, and the log says why', async () => {
    const app = await site.createApp('hoarder')
    await app.deploy(`web: ${serve('one')}`)
    const [first] = await app.dynos()
    const watch = watchRequests(app)
    await docker('exec', first?.id ?? '', 'bash', '-c', 'head -c 5000000 /dev/zero > /tmp/zero')
    await until('another dyno serves alone', async () => {
      const [dyno, ...others] = await app.dynos()
      return dyno && others.length === 0 && dyno.id !== first?.id
    })
    expect((await watch.stop()).failures).toEqual([])
    await expect
      .poll(() => site.logLines(app, /Disk quota/))
      .toEqual(['web.1: Disk quota exceeded: more than 4 MiB written. Replacing the dyno'])
  })
})
