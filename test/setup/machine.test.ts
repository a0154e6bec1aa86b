import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { findCommand } from '../../src/setup/requirements.ts'

const script = resolve(import.meta.dirname, '../../src/main/setup.ts')
const installMissing = resolve(import.meta.dirname, 'install-missing.ts')
/**
 * An account that owns nothing and is in no group. It may read everything, since the checkout may lie in root's home, but
 * not write to Docker's socket (capabilities(7)).
 */
const stranger = ['--reuid=54321', '--regid=54321', '--clear-groups', '--inh-caps=+dac_read_search']

let home: string
let bin: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'paas-machine-'))
  bin = mkdtempSync(join(tmpdir(), 'paas-machine-bin-'))
  for (const directory of [home, bin]) chmodSync(directory, 0o777)
})
afterEach(() => {
  for (const directory of [home, bin]) rmSync(directory, { recursive: true, force: true })
})

describe.runIf(process.getuid?.() === 0)('set-up by somebody who is not root', () => {
  it('says in one line that Docker may not be used, and what to do', async () => {
    const { code, stdout, stderr } = await setUp({ PATH: process.env['PATH'], DOCKER_HOST: process.env['DOCKER_HOST'] })
    expect(stderr).toMatch(
      /^paas: This user has no permission to use Docker at \S+\. .*usermod.* \(engine_unavailable\)\n$/,
    )
    expect(stdout).toBe('')
    expect(code).toBe(1)
  })

  it('gives the exact command for what is missing', async () => {
    await offer('git', 'flock', 'setpriv', 'apt-cache', 'restic')
    const { code, stderr } = await setUp({ PATH: bin, DOCKER_HOST: await engineByTcp() })
    expect(stderr).toBe(
      'paas: This machine lacks mmdebstrap, redis-server. Run this, then try again: sudo apt-get update && ' +
        'sudo apt-get install --yes --no-install-recommends mmdebstrap redis-server (requirements_missing)\n',
    )
    expect(code).toBe(1)
  })

  it('names the packages that apt knows, in whatever language apt speaks', async () => {
    const wanted = [{ command: 'no-such-command', packages: ['coreutils', 'no-such-package'] }]
    const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', LANGUAGE: 'de' }
    const { stderr } = await runAsStranger([installMissing, JSON.stringify(wanted)], env)
    expect(stderr).toMatch(/ --no-install-recommends coreutils \(requirements_missing\)\n$/)
  })

  it('does not ask for a Redis when it is told of one', async () => {
    await offer('git', 'flock', 'setpriv', 'apt-cache', 'restic')
    const { stderr } = await setUp({ PATH: bin, DOCKER_HOST: await engineByTcp(), REDIS_URL: 'redis://127.0.0.1' })
    expect(stderr).toContain('This machine lacks mmdebstrap. ')
  })

  it('names the version of git that is needed, where it is older', async () => {
    await offer('flock', 'setpriv', 'apt-cache', 'mmdebstrap', 'redis-server', 'restic')
    writeFileSync(join(bin, 'git'), '#!/bin/sh\necho git version 2.9.5\n', { mode: 0o755 })
    const { stderr } = await setUp({ PATH: bin, DOCKER_HOST: await engineByTcp() })
    expect(stderr).toMatch(/^paas: This machine lacks git 2\.29 or newer\. Run this.* git \(requirements_missing\)\n$/)
  })

  it('neither installs nor starts an engine where DOCKER_HOST names another one', async () => {
    const { code, stderr } = await setUp({ PATH: process.env['PATH'], DOCKER_HOST: `unix://${home}/none.sock` })
    expect(stderr).toMatch(/^paas: Docker does not answer at \S+none\.sock .*\(engine_unavailable\)\n$/)
    expect(code).toBe(1)
  })

  it('says all that is wrong with the settings', async () => {
    const { stderr } = await setUp({ PATH: bin, PAAS_HTTP_PORT: 'eighty', DOCKER_HOST: 'ssh://there' })
    expect(stderr).toMatch(/^paas: Settings: PAAS_HTTP_PORT is "eighty".*; DOCKER_HOST is "ssh:\/\/there".*\n$/)
  })
})

describe('set-up of a machine that has everything', () => {
  it('is silent', async () => {
    const setup = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] })
    expect(await Promise.all([text(setup.stdout), text(setup.stderr), once(setup, 'close')])).toEqual([
      '',
      '',
      [0, null],
    ])
  })
})

function setUp(env: Record<string, string | undefined>) {
  return runAsStranger([script], env)
}

async function runAsStranger(argv: string[], env: Record<string, string | undefined>) {
  const setpriv = (await findCommand('setpriv', process.env['PATH'] ?? '')) ?? 'setpriv'
  const command = [...stranger, '--ambient-caps=+dac_read_search', process.execPath, ...argv]
  const child = spawn(setpriv, command, { env: { HOME: home, ...env } })
  child.stdin.end()
  const closed = once(child, 'close') as Promise<[number]>
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed])
  return { code, stdout, stderr }
}

/** Puts programs of this machine, and no others, in the PATH of the set-up. */
async function offer(...commands: string[]): Promise<void> {
  for (const command of commands) {
    const path = await findCommand(command, process.env['PATH'] ?? '')
    if (path) symlinkSync(path, join(bin, command))
  }
}

const relays: Server[] = []
afterEach(() => relays.splice(0).forEach((relay) => relay.close()))

/** The engine of the tests for somebody who may not use its socket. */
async function engineByTcp(): Promise<string> {
  const { docker } = loadConfig({ DOCKER_HOST: process.env['DOCKER_HOST'] })
  const relay = createServer((client) => {
    const engine = docker.kind !== 'tcp' ? connect(docker.path) : connect(docker.port, docker.host)
    for (const socket of [client, engine]) socket.on('error', () => [client, engine].forEach((end) => end.destroy()))
    client.pipe(engine).pipe(client)
  }).listen(0, '127.0.0.1')
  relays.push(relay)
  await once(relay, 'listening')
  return `tcp://127.0.0.1:${(relay.address() as AddressInfo).port}`
}
