import { describe, expect, it } from 'vitest'
import { PaasError } from '../../src/errors.ts'
import { newId, type AppId } from '../../src/model/ids.ts'
import type { AppRoute } from '../../src/model/route.ts'
import { Routes } from '../../src/dynos/routes.ts'
import type { RouterControl } from '../../src/router/control/control.ts'

const control = { controlHost: 'localhost', controlSocket: '/run/api.sock' }
const route = (state: AppRoute['state'], appId = newId<AppId>()): AppRoute => ({
  appId,
  app: 'acme',
  hosts: ['acme.localhost'],
  state,
  targets: [],
})

/** Remembers what it was asked; each of `failures` is what the next call rejects with. */
function routerThat(...failures: PaasError[]) {
  const calls: string[] = []
  const call = async <T>(text: string, result: T): Promise<T> => {
    calls.push(text)
    const failure = failures.shift()
    if (failure) throw failure
    return result
  }
  const router: RouterControl = {
    install: ({ routes }) => call(`install ${routes.map(({ state }) => state).join()}`, undefined),
    switchTo: ({ state }) => call(`switch ${state}`, []),
    remove: () => call('remove', undefined),
    prove: async () => [],
    silences: async () => [],
    drain: () => call('drain', { unfinished: 0 }),
  }
  return { calls, routes: new Routes(router, control) }
}

describe('the routes', () => {
  it('are changed only where they differ, and give what was replaced', async () => {
    const { calls, routes } = routerThat()
    const up = route('up')
    expect(await routes.put(up)).toBeUndefined()
    expect(await routes.put({ ...up })).toEqual(up)
    expect(await routes.put({ ...up, state: 'crashed' })).toEqual(up)
    expect(calls).toEqual(['switch up', 'switch crashed'])
  })

  it('wait for a router that is just starting again', async () => {
    const away = new PaasError('router_unavailable', 'The router is not running.')
    const { calls, routes } = routerThat(away, away)
    await routes.put(route('up'))
    expect(calls).toEqual(['switch up', 'switch up', 'switch up'])
  })

  it('do not hide a failure of another kind, and are unchanged by it', async () => {
    const { routes } = routerThat(new PaasError('disk_full', 'No space is left.'))
    const up = route('up')
    await expect(routes.put(up)).rejects.toMatchObject({ code: 'disk_full' })
    expect(routes.get(up.appId)).toBeUndefined()
  })

  it('are put in force again as a whole, but never before they are known', async () => {
    const { calls, routes } = routerThat()
    await routes.refresh()
    expect(calls).toEqual([])
    const up = route('up')
    await routes.install([up, route('blank')])
    await routes.put({ ...up, state: 'crashed' })
    await routes.refresh()
    expect(calls.at(-1)).toBe('install crashed,blank')
  })
})
