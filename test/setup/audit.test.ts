import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { runProgram, type Said } from '../cli/terminal.ts'

const script = resolve(import.meta.dirname, '../../bin/audit.ts')

/** What the audit says with a registry that answers so. */
async function audit(registry: RequestListener): Promise<Said> {
  const server = createServer(registry).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  // npm keeps what it has once found out of a weakness.
  const cache = mkdtempSync(join(tmpdir(), 'paas-audit-'))
  const options = [`--registry=${url}`, `--cache=${cache}`, '--fetch-retries=0']
  try {
    return await runProgram(process.execPath, [script, ...options], { env: process.env })
  } finally {
    server.close()
    rmSync(cache, { recursive: true })
  }
}

/** A registry that knows of a weakness of Fastify, in all versions that there are. */
function knowing(severity: string): RequestListener {
  const advisory = { id: 1, url: 'https://advisories.example/1', title: 'Bad', severity, vulnerable_versions: '*' }
  return ({ method, url }, response) => {
    const isAdvisories = method === 'POST' && url === '/-/npm/v1/security/advisories/bulk'
    response.writeHead(isAdvisories ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isAdvisories ? { fastify: [advisory] } : {}))
  }
}

it.each(['high', 'critical'])('a package with a %s weakness fails the audit and is named', async (severity) => {
  const { code, stdout } = await audit(knowing(severity))
  expect(stdout).toMatch(new RegExp(`^audit: ${severity}: fastify `, 'm'))
  expect(code).toBe(1)
})

it('a package with a lesser weakness is named and fails nothing', async () => {
  const { code, stdout } = await audit(knowing('moderate'))
  expect(stdout).toMatch(/^audit: moderate: fastify /m)
  expect(stdout).toMatch(/^audit: 0 of \d+ packages with a known weakness have a high or critical one$/m)
  expect(code).toBe(0)
})

it('a registry that has no data of weaknesses fails nothing, and it is said that nothing was looked at', async () => {
  const { code, stdout } = await audit((_, response) => response.writeHead(405).end())
  expect(stdout).toMatch(/^audit: NOT RUN, the registry gave no data: .*405/)
  expect(code).toBe(0)
})
