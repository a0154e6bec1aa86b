import { expect, it } from 'vitest'
import type { AppId } from '../../src/model/ids.ts'
import { startApp, type TestApp } from './helpers/apps.ts'
import { statusOf, talk } from './helpers/raw-client.ts'
import { route, startRouter } from './helpers/router.ts'

const app = (id: string, at: TestApp, ...hosts: string[]) => route([at], { appId: id as AppId, app: id, hosts })

it('a wildcard leads to its app for all names below it that no route names, the nearest one first', async () => {
  await using wide = await startApp((_, res) => res.end('wide'))
  await using near = await startApp((_, res) => res.end('near'))
  await using exact = await startApp((_, res) => res.end('exact'))
  const routes = [app('w', wide, '*.shop.test'), app('n', near, '*.eu.shop.test'), app('e', exact, 'www.shop.test')]
  await using router = await startRouter({ routes })
  const get = async (host: string) => {
    const answer = await talk(router.port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    return statusOf(answer) === 200 ? answer.split('\r\n\r\n')[1] : statusOf(answer)
  }
  expect(await get('any.shop.test')).toBe('wide')
  expect(await get('a.b.shop.test')).toBe('wide')
  expect(await get('www.shop.test')).toBe('exact')
  expect(await get('x.eu.shop.test')).toBe('near')
  for (const host of ['shop.test', 'myshop.test', '*.shop.test', 'other.test'])
    expect([400, 404]).toContain(await get(host))
  router.router.routes.remove('e' as AppId)
  expect(await get('www.shop.test')).toBe('wide')
  router.router.routes.remove('w' as AppId)
  expect(await get('www.shop.test')).toBe(404)
})

it('a wildcard never leads the names of the server or its apps astray', async () => {
  await using taker = await startApp((_, res) => res.end('taken'))
  await using router = await startRouter({
    routes: [app('t', taker, '*.test', '*.paas.test', 'paas.test')],
    limits: { control: { connect: 100, firstByte: 100, idle: 100 } },
  })
  const get = (host: string) => talk(router.port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  expect(statusOf(await get('gone.paas.test'))).toBe(404)
  expect(await get('paas.test')).toMatch(/H99/)
  expect(await get('elsewhere.test')).toMatch(/taken/)
})
