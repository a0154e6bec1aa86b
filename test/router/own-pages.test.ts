import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { PageCache } from '../../src/router/page-cache.ts'
import { isAppRoute } from '../../src/router/table/table-schema.ts'
import { refusingPort } from './helpers/apps.ts'
import { statusOf, talk } from './helpers/raw-client.ts'
import { route, startRouter } from './helpers/router.ts'

const directory = mkdtempSync(join(tmpdir(), 'paas-pages-'))
afterAll(() => rmSync(directory, { recursive: true }))
const keep = (html: string): string => {
  const content = createHash('sha256').update(html).digest('hex')
  writeFileSync(join(directory, `${content}.html`), html)
  return content
}
const pages = { error: keep('<p>Öh nein'), maintenance: keep('<p>Gleich zurück') }
const ask = (accept: string, method = 'GET'): string =>
  [`${method} / HTTP/1.1`, 'Host: app.test', 'Connection: close', accept, '', '']
    .filter((line, at) => line !== '' || at > 3)
    .join('\r\n')
const body = (answer: string): string => Buffer.from(answer.split('\r\n\r\n')[1] ?? '', 'latin1').toString()

describe('a page of the app', () => {
  it.each(['Accept: text/html', 'Accept: */*', 'Accept: text/*;q=0.5', ''])('is what %j gets', async (accept) => {
    await using router = await startRouter({
      pages: new PageCache(directory),
      routes: [route([], { state: 'crashed', pages })],
    })
    const answer = await talk(router.port, ask(accept))
    expect([statusOf(answer), body(answer)]).toEqual([503, '<p>Öh nein'])
    expect(answer).toContain('Content-Type: text/html; charset=utf-8\r\nContent-Length: 11\r\n')
    expect(answer).toContain('Cache-Control: no-store')
    expect(body(await talk(router.port, ask(accept, 'HEAD')))).toBe('')
    expect(router.lines[0]).toContain('code=H10')
  })

  it.each(['Accept: application/json', 'Accept: text/plain'])('is not what %j gets', async (accept) => {
    await using router = await startRouter({
      pages: new PageCache(directory),
      routes: [route([], { state: 'crashed', pages })],
    })
    expect(body(await talk(router.port, ask(accept)))).toContain('This app has crashed')
  })

  it.each([
    ['maintenance', {}, '<p>Gleich zurück'],
    ['down', {}, '<p>Öh nein'],
    ['blank', {}, '<p>Öh nein'],
    ['maintenance', { pages: { error: pages.error } }, 'closed for maintenance'],
    ['down', { pages: { error: '0'.repeat(64) } }, 'no web process'],
    ['up', {}, '<p>Öh nein'],
    ['up', { edge: { deny: ['127.0.0.0/8'] } }, 'its address is not allowed'],
  ] as const)('for the state %s and %j is right', async (state, fields, wanted) => {
    const refusing = { port: refusingPort }
    await using router = await startRouter({
      pages: new PageCache(directory),
      routes: [route([refusing], { state, pages, ...fields } as object)],
    })
    expect(body(await talk(router.port, ask('Accept: text/html')))).toContain(wanted)
  })

  it('has a name that leads nowhere else', () => {
    expect(isAppRoute(route([], { pages }))).toBe(true)
    expect(isAppRoute(route([], { pages: { error: '../../key' } }))).toBe(false)
  })
})

it('those that were needed last are kept in memory, up to a limit', () => {
  const cache = new PageCache(directory)
  const show = (error: string) =>
    cache.replace({ status: 503, title: '', text: '', code: 'H10' }, { error }).page?.length
  const many = Array.from({ length: 12 }, (_, at) => keep(`${at}`.padEnd(2 ** 20, 'x')))
  for (const content of many) expect(show(content)).toBe(2 ** 20)
  for (const content of many) rmSync(join(directory, `${content}.html`))
  expect(many.map((content) => show(content) !== undefined)).toEqual(many.map((_, at) => at >= 4))
})
