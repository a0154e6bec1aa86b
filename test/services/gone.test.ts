import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { untilHealthy } from '../../src/services/run-addon.ts'
import { docker, never } from '../engine/support.ts'
import { RunningServices } from './running-service.ts'

let services: RunningServices
beforeAll(async () => {
  services = await RunningServices.open()
}, 600_000)
afterAll(() => services[Symbol.asyncDispose]())

/** While it does not answer yet, so that nobody looks at another one that could be started. */
describe('a service that is waited for until it answers', () => {
  it.each([
    ['removed', ['rm', '--force']],
    ['stopped', ['stop', '--time', '5']],
  ])(
    'and is %s is given up at once',
    async (_how, command) => {
      const service = await services.start('memcached')
      const [container] = await services.engine.listServices({ addonId: service.addon.id })
      await docker(...command, container!.id)
      await expect(untilHealthy(services, service.addon, container!, never)).rejects.toMatchObject({
        code: 'engine_unavailable',
      })
    },
    30_000,
  )
})
