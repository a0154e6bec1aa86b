import { request } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { TestApi } from '../test/api/test-api.ts'
import { launch, serveWeb } from '../test/dashboard/chromium/web.ts'
import type { Row } from './table.ts'
import { median } from './statistics.ts'

const apps = 50
const rounds = 40

/** The first view of the page with all apps: on the server, over the wire, in Chromium. */
export async function benchDashboard(): Promise<Row[]> {
  await using api = await TestApi.start()
  await using web = await serveWeb(api)
  for (let i = 0; i < apps; i++) api.deploy(await api.newApp(`app-number-${i}`), '4f1c09ab'.repeat(5))
  const secret = api.tokenOf(api.admin)
  const times: number[] = []
  let page = { bytes: 0, text: '' }
  for (let i = 0; i < rounds; i++) {
    const begin = performance.now()
    page = await get(`${web.url}/dashboard/apps`, secret)
    times.push(performance.now() - begin)
  }
  const assets = [...page.text.matchAll(/(?:href|src)="(\/dashboard\/assets\/[^"]+)"/g)].map(([, path]) => path!)
  const sizes = await Promise.all(assets.map(async (path) => ({ path, ...(await get(web.url + path, secret)) })))
  const sum = (of: typeof sizes): number => of.reduce((total, { bytes }) => total + bytes, 0)
  return [
    {
      what: `dashboard: first view of ${apps} apps, on the server`,
      value: times[0]!,
      unit: 'ms',
      note: 'with loading it',
    },
    { what: '  later views', value: median(times.slice(5)), unit: 'ms' },
    {
      what: '  over the wire',
      value: (page.bytes + sum(sizes)) / 1024,
      unit: 'KiB',
      note: 'page, style, script, icon',
    },
    { what: '  script', value: sum(sizes.filter(({ path }) => path.endsWith('.js'))) / 1024, unit: 'KiB' },
    { what: '  last paint in Chromium', value: await lastPaint(web.url, secret), unit: 'ms' },
  ]
}

async function get(url: string, secret: string): Promise<{ bytes: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ bytes: number; text: string }>()
  const headers = { cookie: `paas-session=${secret}`, 'accept-encoding': 'gzip', accept: 'text/html' }
  request(url.replace('localhost', '127.0.0.1'), { headers: { ...headers, host: new URL(url).host } }, (answer) => {
    const chunks: Buffer[] = []
    answer.on('data', (chunk: Buffer) => chunks.push(chunk))
    answer.on('end', () => {
      const body = Buffer.concat(chunks)
      const text = answer.headers['content-encoding'] === 'gzip' ? gunzipSync(body).toString() : body.toString()
      resolve({ bytes: body.length + answer.rawHeaders.join(': \n').length, text })
    })
  })
    .on('error', reject)
    .end()
  return promise
}

/** Milliseconds from the request to the largest and last paint, the median of several fresh browser contexts. */
async function lastPaint(url: string, secret: string): Promise<number> {
  const browser = await launch()
  const paints: number[] = []
  try {
    for (let i = 0; i < 9; i++) {
      const context = await browser.newContext()
      await context.addCookies([{ name: 'paas-session', value: secret, url, httpOnly: true }])
      const tab = await context.newPage()
      await tab.goto(`${url}/dashboard/apps`)
      paints.push(Number(await tab.evaluate(paintTime)))
      await context.close()
    }
  } finally {
    await browser.close()
  }
  return median(paints)
}

const paintTime = `new Promise((done) => {
  new PerformanceObserver((list) => {
    const last = list.getEntries().at(-1)
    done(last.startTime)
  }).observe({ type: 'largest-contentful-paint', buffered: true })
})`
