import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createLog } from '../../src/log.ts'
import { openAppLogWriter } from '../../src/logs/writer.ts'
import type { LogLine } from '../../src/model/app-log.ts'
import { FigureWriter } from '../../src/metrics/figure-writer.ts'
import { RequestTally } from '../../src/metrics/request-tally.ts'
import { minuteOf } from '../../src/model/figures.ts'
import { TestApi } from '../api/test-api.ts'
import { PlainBrowser } from './browser.ts'

const api = await TestApi.forFile()
const browser = new PlainBrowser(api)
await browser.logIn()

describe('the apps', () => {
  it('are none at first, and the page says how to make one', async () => {
    expect((await browser.open('/dashboard/apps')).text).toContain('No apps yet')
  })

  it('are made by a form, which shows what was typed with the reason when it is refused', async () => {
    await browser.open('/dashboard/apps/new')
    const refused = await browser.submit('Make it', { name: 'No good <name>' })
    expect([refused.status, refused.text.includes('value="No good &lt;name&gt;"')]).toEqual([422, true])
    expect(refused.text).toContain('role="alert"')
    await browser.submit('Make it', { name: 'blog' })
    expect(browser.path).toBe('/dashboard/apps/blog')
    expect(browser.page.text).toContain('blog is there.')
  })

  it('are filtered by name, without a script', async () => {
    await api.newApp('shop')
    const page = await browser.open('/dashboard/apps?name=sho')
    expect(page.text).toContain('data-key="shop"')
    expect(page.text).not.toContain('data-key="blog"')
  })
})

describe('the deploys of an app', () => {
  it('are builds and releases as one history, with what changed but no value', async () => {
    const app = await api.newApp('history')
    api.deploy(app, 'e'.repeat(40), { web: 'npm start' })
    await api.call('PATCH', '/apps/history/config-vars', { body: { GREETING: 'a-secret-value' } })
    const page = await browser.open('/dashboard/apps/history/deploys')
    expect(page.text).toMatch(/v3<\/a\s*>\s+Set GREETING config var/)
    expect(page.text).toMatch(/v2<\/a\s*>\s+Deploy eeeeeeee/)
    const release = await browser.open('/dashboard/apps/history/releases/v3')
    expect(release.text).toContain('<code>GREETING</code>')
    expect(release.text).not.toContain('a-secret-value')
  })

  it('are rolled back after it was said what happens', async () => {
    const app = await api.newApp('rolled')
    api.deploy(app, 'a'.repeat(40), { web: 'npm start' })
    api.deploy(app, 'b'.repeat(40), { web: 'npm start' })
    await browser.open('/dashboard/apps/rolled/releases/v2?ask=rollback')
    expect(browser.page.text).toMatch(/bbbbbbbb<\/code>\s*→\s*<code title="a+">aaaaaaaa/)
    await browser.submit('Roll back to v2')
    expect(browser.path).toBe('/dashboard/apps/rolled/releases/v4')
    expect(browser.page.text).toContain('Rollback to v2')
  })

  it('show what a build printed in its colours, as text', async () => {
    const { build } = api.deploy(await api.newApp('printed'), 'f'.repeat(40), { web: 'npm start' })
    const files = join(api.config.paths.builds, build.id)
    writeFileSync(`${files}.log`, '-----> Building\n\u001b[1;32mgreen\u001b[0m <b>not bold</b>\n')
    writeFileSync(`${files}.end`, '')
    const { text } = await browser.open(`/dashboard/apps/printed/builds/${build.id}`)
    expect(text).toContain('<span class="bold c2">green</span> &lt;b&gt;not bold&lt;/b&gt;')
  })
})

describe('a log', () => {
  const lines: Partial<LogLine>[] = [
    { text: '<script>alert(1)</script>' },
    { text: '\u001b[31mred\u001b[0m plain' },
    { text: 'Listening', process: 'web.2' },
    { text: 'State changed', source: 'heroku', process: 'web.1' },
  ]

  it('is shown as text, with colours, filtered by source, process and words', async () => {
    const app = await api.newApp('talks')
    const writer = openAppLogWriter({ directory: api.config.paths.logs, log: createLog('test', 'silent') })
    for (const line of lines)
      writer.write(app.id, { time: new Date(), source: 'app', process: 'web.1', text: '', ...line })
    await writer[Symbol.asyncDispose]()
    const text = async (query: string) => (await browser.open(`/dashboard/apps/talks/logs${query}`)).text
    const all = await text('')
    expect(all).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(all).toContain('<span class="c1">red</span> plain')
    expect(await text('?source=heroku')).not.toContain('Listening')
    expect(await text('?dyno=web.2')).toContain('Listening')
    expect(await text('?dyno=web.2')).not.toContain('State changed')
    expect(await text('?text=LISTEN')).toContain('Listening')
    expect(await text('?text=LISTEN')).not.toContain('State changed')
    expect(await text('?until=2020-01-01+00:00')).toContain('No line matches.')
    const [day] = new Date(Date.now() + 86_400_000).toISOString().split('T')
    expect(await text(`?since=${day}T00:00`)).toContain('No line matches.')
    expect(await text(`?since=2020-01-01T00:00&until=${day}T00:00:00`)).toContain('Listening')
    expect(browser.page.text).toContain('value="2020-01-01T00:00"')
  })

  it('has links to its lines, from which older ones are found', async () => {
    const app = await api.newApp('long')
    const writer = openAppLogWriter({ directory: api.config.paths.logs, log: createLog('test', 'silent') })
    for (let i = 0; i < 450; i++) {
      writer.write(app.id, { time: new Date(), source: 'app', process: 'web.1', text: `line ${i}.` })
    }
    await writer[Symbol.asyncDispose]()
    const shown = () => [...browser.page.text.matchAll(/line (\d+)\./g)].map(([, number]) => Number(number))
    await browser.open('/dashboard/apps/long/logs')
    expect([shown()[0], shown().length, shown().at(-1)]).toEqual([250, 200, 449])
    const link = /href="([^"]*at=[^"#]*)#/.exec(browser.page.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const older = () => /rel="prev" href="([^"]*)"/.exec(browser.page.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    await browser.open(older())
    expect([shown()[0], shown().length, shown().at(-1)]).toEqual([50, 200, 249])
    await browser.open(older())
    expect([shown()[0], shown().at(-1)]).toEqual([0, 49])
    await browser.open(link)
    expect([shown().at(-1), browser.page.text.includes('marked')]).toEqual([250, true])
  })
})

describe('the metrics', () => {
  it('are of an hour, a day and a week, and lead to what is earlier and closer', async () => {
    const app = await api.newApp('measured')
    const writer = new FigureWriter({ directory: api.config.paths.metrics, log: createLog('test', 'silent') })
    const now = minuteOf(Date.now())
    for (const ago of [5, 700, 3000]) {
      const tally = new RequestTally()
      tally.record({ status: 200, code: undefined, bytes: 10, times: { connect: 1, service: 20 } })
      writer.write(app.id, { minute: now - ago, requests: tally.figures() })
    }
    await writer[Symbol.asyncDispose]()
    const requests = async (path: string) => /<dt>Requests<\/dt>\s*<dd>(\d+)/.exec((await browser.open(path)).text)?.[1]
    const link = (pattern: RegExp) => pattern.exec(browser.page.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const path = '/dashboard/apps/measured/metrics'
    expect([await requests(path), await requests(`${path}?period=day`)]).toEqual(['1', '2'])
    expect(await requests(`${path}?period=day`)).toBe('2')
    expect(await requests(link(/href="([^"]*period=hour[^"]*until=[^"]*)"/))).toBe('1')
    expect(await requests(`${path}?period=week`)).toBe('3')
    expect(await requests(link(/href="([^"]*period=day[^"]*until=[^"]*)"/))).toBe('1')
  })
})
