import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { buildWithGo } from '../../helpers/go-programs.ts'
import { startTlsRouter, testIdentity } from '../helpers/tls-router.ts'

const version = 'v2.2.1'
const module = 'github.com/summerwind/h2spec/cmd/h2spec'
const { directory, lack } = await buildWithGo(`h2spec-${version}`, [`${module}@${version}+incompatible`])

type Case = { id: string; hasFailed: boolean }

/** All cases of h2spec, the strict ones too, against the port: `http2/5.1/8` is the eighth of its section. */
async function runCases(port: number): Promise<Case[]> {
  const place = mkdtempSync(join(tmpdir(), 'paas-h2spec-'))
  try {
    const report = join(place, 'report.xml')
    const argv = ['--port', String(port), '--tls', '--insecure', '--strict', '--timeout', '3', '--junit-report', report]
    // It exits with 1 where a case failed; what it could not run has no report.
    await promisify(execFile)(join(directory, 'h2spec'), argv).catch(() => undefined)
    return casesIn(readFileSync(report, 'utf8'))
  } finally {
    rmSync(place, { recursive: true })
  }
}

function casesIn(report: string): Case[] {
  const seen = new Map<string, number>()
  const cases = report.matchAll(/<testcase package="([^"]+)"[^>]*>(.*?)<\/testcase>/gs)
  return Array.from(cases, ([, section = '', content = '']) => {
    const number = (seen.get(section) ?? 0) + 1
    seen.set(section, number)
    return { id: `${section}/${number}`, hasFailed: /<(failure|error)>/.test(content) }
  })
}

/** An app at a Unix socket, as the api is. */
async function startApi(): Promise<AsyncDisposable & { path: string }> {
  const place = mkdtempSync(join(tmpdir(), 'paas-h2spec-api-'))
  const path = join(place, 'socket')
  const server = createServer((req, res) => void req.resume().on('end', () => res.end('x'.repeat(100))))
  await once(server.listen(path), 'listening')
  return {
    path,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      rmSync(place, { recursive: true })
    },
  }
}

/** The table of docs/edge.md, whose rows begin with the cases. */
function exceptions(): string[] {
  const text = readFileSync(resolve(import.meta.dirname, '../../../docs/edge.md'), 'utf8')
  const rows = text.matchAll(/^\| (`(?:http2|generic|hpack)\/[^|]*) \|/gm)
  return Array.from(rows, ([, ids = '']) => Array.from(ids.matchAll(/`([^`]+)`/g), ([, id = '']) => id)).flat()
}

describe.skipIf(lack !== undefined)(`h2spec (${lack ?? version})`, () => {
  it('passes, but for the cases that docs/edge.md lists with their reasons', async () => {
    const { identity } = await testIdentity()
    // It names the address that it connects to, which leads to the control host.
    await using api = await startApi()
    await using router = await startTlsRouter(identity, { table: { controlSocket: api.path } })
    const cases = await runCases(router.tlsPort)
    expect(cases.length).toBeGreaterThan(140)
    const failed = cases.filter(({ hasFailed }) => hasFailed).map(({ id }) => id)
    expect(failed.toSorted()).toEqual(exceptions().toSorted())
    expect(router.router.counters.requests).toBeGreaterThan(50)
  })
})
