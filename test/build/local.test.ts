import { execFile } from 'node:child_process'
import { mkdtemp, cp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../helpers/app.ts'
import { freePort } from '../helpers/free-port.ts'
import { request } from '../helpers/http.ts'
import { run } from '../helpers/repository.ts'

const program = resolve(import.meta.dirname, '../../bin/build-local.ts')
const fixture = resolve(import.meta.dirname, '../fixtures/apps/node-hello')
const docker = async (...argv: string[]) => (await promisify(execFile)('docker', argv)).stdout.trim()

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-local-'))
  await cp(fixture, directory, { recursive: true })
})
afterAll(async () => {
  await build('--forget')
  await rm(directory, { recursive: true })
})

/** As npm calls it: from elsewhere. */
function build(...argv: string[]) {
  const env = { ...process.env, INIT_CWD: directory }
  return run(process.execPath, [program, ...argv], { cwd: tmpdir(), env })
}

function image(): string {
  return `paas-local/${basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '')}`
}

it('a directory is built as a push of it would be, without a server, and Docker runs what came out', async () => {
  const { code, output } = await build()
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('-----> Node.js app detected') })
  expect(output).toContain(`docker run --rm --init -p 5000:5000 -e PORT=5000 ${image()}`)
  const port = await freePort()
  const container = await docker(
    'run',
    '-d',
    '--rm',
    '--init',
    '-p',
    `127.0.0.1:${port}:5000`,
    '-e',
    'PORT=5000',
    image(),
  )
  try {
    const answer = await until('the app answers', () =>
      request({ port, host: 'localhost', path: '/' }).catch(() => undefined),
    )
    expect(answer.status).toBe(200)
  } finally {
    await docker('rm', '--force', container)
  }
})

it('what cannot be built says why, and what is asked wrongly what is right', async () => {
  await writeFile(join(directory, 'package.json'), '{ "name": ')
  const failed = await build()
  expect(failed).toMatchObject({ code: 1, output: expect.stringMatching(/ !     build failed: package\.json/) })
  expect(await build('--nope')).toMatchObject({ code: 1, output: expect.stringContaining("Unknown option '--nope'") })
  expect(await build('/nowhere')).toMatchObject({
    code: 1,
    output: expect.stringMatching(/\/nowhere is not one directory\.\n !     Usage: npm run build:local -- /),
  })
})

it('nothing is left of a directory that is forgotten', async () => {
  const server = await docker('image', 'inspect', '--format', '{{index .Config.Labels "paas.server"}}', image())
  expect(await build('--forget')).toEqual({ code: 0, output: '' })
  const lists = [
    ['ps', '-aq'],
    ['network', 'ls', '-q'],
    ['volume', 'ls', '-q'],
    ['images', '-q'],
  ]
  for (const list of lists) expect(await docker(...list, '--filter', `label=paas.server=${server}`)).toBe('')
})
