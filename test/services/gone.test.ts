import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { untilHealthy } from '../../src/services/healthy.ts'
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

it('a program beside a service that Docker loses with its containerd is told as that, not as one that failed', async () => {
  const service = await services.start('memcached')
  const id = await service.container()
  const said = (line: string) => ({ argv: ['/bin/bash', '-c', `printf '${line}'; exit 126`] })
  const lost = { code: 'engine_unavailable', message: 'Docker lost a command while it ran.' }
  const line = 'transport is closing: unavailable\\r\\n'
  await expect(services.engine.execInService(id, said(line), never)).rejects.toMatchObject(lost)
  const stream = await services.engine.streamInService(id, said(line), never)
  stream.input.end()
  stream.output.resume()
  await expect(stream.ended()).rejects.toMatchObject(lost)
  expect(await services.engine.execInService(id, said('no such file'), never)).toMatchObject({ code: 126 })
}, 30_000)
