import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'
import type { Finding } from '../../src/model/finding.ts'
import { freePort } from '../helpers/free-port.ts'

const run = promisify(execFile)
const directory = mkdtempSync(join(tmpdir(), 'paas-doctor-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

async function examine(env: Record<string, string>): Promise<Finding[]> {
  const main = resolve(import.meta.dirname, '../../src/main/doctor.ts')
  const { stdout } = await run(process.execPath, [main], { env: { ...process.env, PAAS_DATA: directory, ...env } })
  return JSON.parse(stdout) as Finding[]
}

it('says of everything what is, in any state, and what to do where it is not good', async () => {
  const port = await freePort()
  const taken = createServer().listen(0)
  await once(taken, 'listening')
  const { port: takenPort } = taken.address() as { port: number }
  const findings = await examine({ PAAS_HTTP_PORT: String(port), PAAS_HTTPS_PORT: String(takenPort) })
  taken.close()
  const names = 'settings code service ports server names certificates firewall docker disk memory clock backups'.split(
    ' ',
  )
  expect([...new Set(findings.map(({ name }) => name))].toSorted()).toEqual(names.toSorted())
  for (const { state, message, advice } of findings) {
    expect(message).toMatch(/^\S.*[^.]$/)
    expect([state, advice === null]).not.toEqual([expect.stringMatching('bad|warning'), true])
  }
  const of = (name: string) => findings.filter((finding) => finding.name === name)
  expect(of('ports')).toEqual([
    expect.objectContaining({ state: 'good', message: `port ${port} is free` }),
    expect.objectContaining({ state: 'bad', advice: expect.stringContaining(`sport = :${takenPort}`) }),
  ])
  expect(of('server')).toEqual([expect.objectContaining({ state: 'bad', message: 'the server does not run' })])
  expect(of('docker')).toEqual([expect.objectContaining({ message: expect.stringMatching(/^Docker \d+\./) })])
})

it('says what is wrong with the settings, and what can be told without them', async () => {
  const findings = await examine({ PAAS_HTTP_PORT: 'http' })
  expect(findings.map(({ name, state }) => [name, state])).toEqual([
    ['settings', 'bad'],
    ['memory', expect.any(String)],
  ])
  expect(findings[0]?.message).toContain('PAAS_HTTP_PORT is "http"')
})
