import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../helpers/app.ts'
import { docker } from '../engine/support.ts'
import { Site } from './site.ts'
import { serve } from './site-app.ts'
import { watchRequests } from './watch-requests.ts'

let site: Site
beforeAll(async () => {
  site = await Site.open({ PAAS_PATROL_INTERVAL: '1', PAAS_MAX_DYNO_DISK_MIB: '4', PAAS_STOP_GRACE: '2' })
})
afterAll(() => site?.[Symbol.asyncDispose]())

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
      .toEqual(['web.1: Disk quota exceeded: 5 MiB written, 4 MiB allowed. Replacing the dyno by a fresh one'])
  })
})
