import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { buildOrder } from '../../src/build/order.ts'
import { newId, type AppId, type BuildId } from '../../src/model/ids.ts'
import type { ConfigVars } from '../../src/model/release.ts'

function environmentWith(config: ConfigVars): Record<string, string> {
  const ids = { buildId: newId<BuildId>(), appId: newId<AppId>() }
  const request = { ...ids, app: 'an-app', stack: 'debian-13', commit: 'a'.repeat(40), config, noCache: false }
  return buildOrder(request, { mode: 'first', packs: ['nodejs'] }, Readable.from([]), 'debian-13').env
}

describe('what packs find in their environment', () => {
  it('is no config var', () => {
    expect(environmentWith({ SECRET: 'x', HOME: '/x', SOURCE_VERSION: 'x' })).toMatchObject({
      HOME: '/app',
      SOURCE_VERSION: 'a'.repeat(40),
    })
    expect(environmentWith({ SECRET: 'x' })).not.toHaveProperty('SECRET')
  })

  it('is as STACK the one of the server, unless a config var names another', () => {
    expect(environmentWith({})).toMatchObject({ STACK: 'debian-13' })
    expect(environmentWith({ STACK: '' })).toMatchObject({ STACK: 'debian-13' })
    expect(environmentWith({ STACK: 'heroku-24' })).toMatchObject({ STACK: 'heroku-24' })
  })
})
