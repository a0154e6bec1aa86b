import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packsDirectory } from '../../src/build/packs.ts'

type Answer = { code: number; stdout: string; stderr: string }

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'paas-packs-'))
  for (const part of ['bin', 'lib'])
    await cp(join(packsDirectory, part), join(root, 'packs', part), { recursive: true })
  for (const part of ['build', 'cache', 'env']) await mkdir(join(root, part))
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** Writes a pack's script. */
async function script(path: string, body: string): Promise<void> {
  const target = join(root, 'packs', path)
  await mkdir(dirname(target), { recursive: true })
  await writeFile(target, `#!/usr/bin/env bash\n${body}\n`)
  await chmod(target, 0o755)
}

function run(program: string, argv: string[]): Promise<Answer> {
  const env = { PATH: process.env['PATH'], STACK: 'debian-13', SOURCE_VERSION: 'abc' }
  return new Promise((settle) => {
    execFile(join(root, 'packs/bin', program), argv, { env }, (error, stdout, stderr) => {
      settle({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr })
    })
  })
}

const compile = (...packs: string[]) =>
  run('compile', [...['build', 'cache', 'env'].map((part) => join(root, part)), ...packs])
const detect = (mode: string, ...packs: string[]) => run('detect', [join(root, 'build'), mode, ...packs])
const written = (path: string) => readFile(join(root, path), 'utf8')

describe('detection', () => {
  beforeEach(async () => {
    await script('no/bin/detect', 'echo never; exit 1')
    await script('yes/bin/detect', 'echo Yes app; echo more')
    await script('also/bin/detect', 'test -d "$1" && echo Also')
  })

  it('takes the first pack that can', async () => {
    expect(await detect('first', 'no', 'yes', 'also')).toEqual({ code: 0, stdout: 'yes Yes app\n', stderr: '' })
  })

  it('gives nothing when no pack can', async () => {
    expect(await detect('first', 'no')).toMatchObject({ stdout: '' })
  })

  it('wants all packs that were named', async () => {
    expect(await detect('all', 'yes', 'also')).toMatchObject({ code: 0, stdout: 'yes Yes app\nalso Also\n' })
    expect(await detect('all', 'yes', 'no', 'also')).toMatchObject({ code: 1, stdout: 'yes Yes app\n' })
  })
})

describe('compilation', () => {
  it('gives a pack its three directories and the environment of the classic API', async () => {
    await writeFile(join(root, 'env/SECRET'), 'from the config')
    await script('a/bin/compile', 'echo "$1 $2 $3 $STACK $SOURCE_VERSION [${SECRET-unset}] $(cat "$3/SECRET")"')
    const { code, stdout } = await compile('a')
    const directories = ['build', 'cache', 'env'].map((part) => join(root, part)).join(' ')
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${directories} debian-13 abc [unset] from the config\n` })
  })

  it('shows what packs print on both outputs in one, in order', async () => {
    await script('a/bin/compile', 'echo one; echo two >&2; echo three')
    expect(await compile('a')).toEqual({ code: 0, stdout: 'one\ntwo\nthree\n', stderr: '' })
  })

  it('gives later packs what earlier ones exported', async () => {
    await script('a/bin/compile', 'echo "export TOOL=/tools/a" > "$(dirname "$0")/../export"')
    await script('b/bin/compile', 'echo "tool: $TOOL"')
    expect(await compile('a', 'b')).toMatchObject({ code: 0, stdout: 'tool: /tools/a\n' })
  })

  it('answers with the process types of the last pack only', async () => {
    await script('a/bin/compile', 'true')
    await script('a/bin/release', 'echo "default_process_types: {web: a}"')
    await script('b/bin/compile', 'true')
    await script('b/bin/release', 'echo "default_process_types: {web: b}"; echo noise >&2')
    expect(await compile('a', 'b')).toMatchObject({ code: 0, stdout: '', stderr: 'default_process_types: {web: b}\n' })
  })

  it('ends at a pack that fails, with its exit code and its reason', async () => {
    await script(
      'a/bin/compile',
      'source "$(dirname "$0")/../../lib/common.sh"; fail "no such thing" "Do this." || true',
    )
    await script('b/bin/compile', 'echo not reached')
    const { code, stdout, stderr } = await compile('a', 'b')
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: ' !     Do this.\n', stderr: 'no such thing' })
  })

  it('calls bin/report after success and after failure, whatever it does', async () => {
    await script('a/bin/compile', 'exit "$(cat "$2/code")"')
    await script('a/bin/report', 'echo reported >> "$2/reports"; echo noise; echo noise >&2; exit 9')
    await writeFile(join(root, 'cache/code'), '0')
    expect(await compile('a')).toEqual({ code: 0, stdout: '', stderr: '' })
    await writeFile(join(root, 'cache/code'), '3')
    expect(await compile('a')).toEqual({ code: 3, stdout: '', stderr: '' })
    expect(await written('cache/reports')).toBe('reported\nreported\n')
  })

  it('leaves a pack no way to answer in the platform’s place', async () => {
    await script('a/bin/compile', 'echo forged >&3')
    const { stdout, stderr } = await compile('a')
    expect(stderr).toBe('')
    expect(stdout).toContain('Bad file descriptor')
  })
})
