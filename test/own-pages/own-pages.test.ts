import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLog } from '../../src/log.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { OwnPages } from '../../src/own-pages/own-pages.ts'
import { HttpReceiver } from '../outbound/receiver.ts'
import { TestStore } from '../store/test-store.ts'

let record: TestStore
let server: HttpReceiver
let directory: string
let pages: OwnPages
let lines: string[]
let converged: PromiseWithResolvers<void>

beforeEach(async () => {
  record = new TestStore()
  server = await HttpReceiver.start()
  directory = mkdtempSync(join(tmpdir(), 'paas-pages-'))
  lines = []
  open(['127.0.0.1/32'])
})
afterEach(async () => {
  await pages[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  record[Symbol.dispose]()
  rmSync(directory, { recursive: true })
})

function open(allow: string[]): void {
  pages = new OwnPages({
    config: { paths: { pages: directory } },
    store: record.store,
    outbound: createOutbound({ outbound: { allow }, certificateFiles: [], httpPort: 8080 }),
    platformLog: { api: (_, text) => void lines.push(text) },
    log: createLog('test', 'silent'),
  })
  pages.begin(() => Promise.resolve(converged.resolve()))
}

const at = (path: string): string => `http://127.0.0.1:${server.port}${path}`
const list = () => record.store.ownPages.list(record.app.id)
const html = (type = 'text/html', body: string | Buffer = '<!doctype html><p>Oh') => {
  server.answer = (response: ServerResponse) => response.writeHead(200, { 'content-type': type }).end(body)
}

async function set(change: Record<string, string | null>): Promise<void> {
  converged = Promise.withResolvers()
  record.store.configVars.update(record.app.id, change)
  pages.look(record.app.id)
  await converged.promise
}

const shown = (): string[] => list().map((page) => readFileSync(join(directory, `${page.shown?.content}.html`), 'utf8'))

describe('a page of its own', () => {
  it('is fetched once, when its config var is set or changed, and goes with it', async () => {
    html()
    await set({ ERROR_PAGE_URL: at('/pages/oh.html?token=secret') })
    const page = `<!doctype html><base href="${at('/pages/')}"><p>Oh`
    expect(shown()).toEqual([page])
    expect(lines).toEqual([`ERROR_PAGE_URL fetched, ${page.length} bytes`])
    pages.look(record.app.id)
    await set({ MAINTENANCE_PAGE_URL: at('/pages/back.html') })
    expect(server.requests.map(({ path }) => path)).toEqual(['/pages/oh.html?token=secret', '/pages/back.html'])
    expect(readdirSync(directory)).toHaveLength(1) // the same page
    html(undefined, '<p>New')
    await set({ ERROR_PAGE_URL: at('/new') })
    expect(readdirSync(directory)).toHaveLength(2)
    record.store.configVars.update(record.app.id, { ERROR_PAGE_URL: null, MAINTENANCE_PAGE_URL: null })
    pages.look(record.app.id)
    expect([list(), readdirSync(directory)]).toEqual([[], []])
  })

  it.each([
    ['text/html; charset=iso-8859-1', Buffer.from('<base><p>\u00e9', 'latin1'), '<base><p>é'],
    [
      'text/html',
      Buffer.from('<meta charset="windows-1252"><base >\u0080', 'latin1'),
      '<meta charset="windows-1252"><base >€',
    ],
    ['text/html; charset=unheard-of', Buffer.from('<base>é'), '<base>é'],
  ])('of type %s is kept as UTF-8', async (type, body, wanted) => {
    html(type, body)
    await set({ ERROR_PAGE_URL: at('/') })
    expect(shown()).toEqual([wanted])
  })

  it.each([
    ['of another type', () => html('image/png', 'x'), /is no page: its type is "image\/png", not text\/html/],
    ['that is empty', () => html('text/html', ' \n'), /is no page: it is empty/],
    ['that is missing', () => (server.answer = (to) => to.writeHead(404).end()), /it answers with status 404/],
    ['that is too large', () => html('text/html', 'x'.repeat(2 ** 20 + 1)), /it has more than 1 MiB, the limit/],
    ['that moved to where nobody may look', redirect('http://169.254.169.254/'), /is not on the public internet/],
    ['that moves for ever', redirect('/again'), /it redirects more than 5 times/],
  ])('%s is told in the log, and the old one stays', async (_, answer, problem) => {
    html()
    await set({ ERROR_PAGE_URL: at('/good') })
    const before = shown()
    answer()
    await set({ ERROR_PAGE_URL: at('/bad?token=secret') })
    expect(shown()).toEqual(before)
    expect(list()[0]!.problem).toMatch(problem)
    expect(lines.at(-1)).toMatch(/^ERROR_PAGE_URL was not fetched\. .*To try again: paas pages:refresh$/)
    expect(JSON.stringify([lines, list()])).not.toContain('secret')
  })

  it.each(['http://127.0.0.1/', 'http://[::1]/', 'file:///etc/passwd', 'nonsense'])(
    'is not looked for at %s',
    async (url) => {
      open([])
      await set({ ERROR_PAGE_URL: url })
      expect(list()).toEqual([expect.objectContaining({ shown: null, problem: expect.any(String) as string })])
    },
  )

  it('is fetched again when that is asked for, or its file is gone, but not what failed just now', async () => {
    html()
    await set({ ERROR_PAGE_URL: at('/') })
    record.store.ownPages.expire(record.app.id)
    await set({})
    expect(server.requests).toHaveLength(2)
    const lose = () => rmSync(join(directory, readdirSync(directory)[0]!))
    const age = () => {
      const { asked, shown: page } = list()[0]!
      record.store.ownPages.show(record.app.id, 'error', { asked, ...page!, fetchedAt: new Date(0) })
    }
    lose()
    pages.look(record.app.id)
    // A moment ago: the next look fetches another one alone.
    await set({ MAINTENANCE_PAGE_URL: at('/back') })
    expect(server.requests.map(({ path }) => path)).toEqual(['/', '/', '/back'])
    await set({ MAINTENANCE_PAGE_URL: null, ERROR_PAGE_URL: at('/bad') })
    lose()
    age()
    await set({})
    expect(server.requests.map(({ path }) => path).slice(3)).toEqual(['/bad', '/bad'])
    expect(shown()).toHaveLength(1)
  })
})

function redirect(location: string) {
  return () => void (server.answer = (to) => to.writeHead(302, { location }).end())
}
