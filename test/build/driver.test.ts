import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packsDirectory } from '../../src/build/packs.ts'
import { forEachEntry } from '../../src/tar.ts'

/** `mostBytes`: what is said of the slug. */
type Answer = { code: number; stdout: string; stderr: string; slug: Buffer; mostBytes: number }

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'paas-packs-'))
  for (const part of ['bin', 'lib'])
    await cp(join(packsDirectory, part), join(root, 'packs', part), { recursive: true })
  for (const part of ['build', 'cache', 'env']) await mkdir(join(root, part))
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** A pack that detects every app, with the compile script given. */
async function pack(name: string, compile: string): Promise<void> {
  await script(`${name}/bin/detect`, `echo ${name.toUpperCase()}`)
  await script(`${name}/bin/compile`, compile)
}

async function script(path: string, body: string): Promise<void> {
  const target = join(root, 'packs', path)
  await mkdir(dirname(target), { recursive: true })
  await writeFile(target, `#!/usr/bin/env bash\n${body}\n`)
  await chmod(target, 0o755)
}

async function build(mode: 'first' | 'all', ...packs: string[]): Promise<Answer> {
  const env = { PATH: process.env['PATH'], STACK: 'debian-13', SOURCE_VERSION: 'abc' }
  const argv = [...['build', 'cache', 'env'].map((part) => join(root, part)), mode, ...packs]
  const child = spawn(join(root, 'packs/bin/build'), argv, { env })
  const ended = once(child, 'close')
  const [stdout, said] = await Promise.all([text(child.stdout), buffer(child.stderr)])
  const slugLine = /^slug (\d+)\n/m.exec(said.toString('latin1'))
  const mark = slugLine?.index ?? said.length
  const [stderr, slug] = [said.subarray(0, mark), said.subarray(mark + (slugLine?.[0].length ?? 0))]
  const [code] = (await ended) as [number]
  return { code, stdout, stderr: stderr.toString(), slug, mostBytes: Number(slugLine?.[1] ?? 0) }
}

describe('of the packs', () => {
  beforeEach(async () => {
    await pack('yes', 'echo compiling yes')
    await pack('also', 'echo compiling also')
    await script('also/bin/detect', 'test -d "$1" && echo "Also an app" && echo more')
    await script('no/bin/detect', 'echo never; exit 1')
  })

  it('the first that can builds the app', async () => {
    expect(await build('first', 'no', 'yes', 'also')).toMatchObject({
      code: 0,
      stdout: '-----> YES app detected\ncompiling yes\n',
      stderr: 'detected yes YES\ncompiling\nrelease 0\n\n',
    })
  })

  it('those that were named build the app one after the other', async () => {
    expect(await build('all', 'yes', 'also')).toMatchObject({
      code: 0,
      stdout: '-----> YES app detected\ncompiling yes\n-----> Also an app app detected\ncompiling also\n',
      stderr: 'detected yes YES\ncompiling\ndetected also Also an app\nrelease 0\n\n',
    })
  })

  it('each that was named is asked about the tree and the environment that those before it left', async () => {
    await pack('subdir', 'mv "$1/server" "$1/../kept"; rm -rf "$1"/*; mv "$1/../kept"/* "$1"')
    await script('later/bin/detect', 'test -f "$1/package.json" && echo "with $TOOL"')
    await script('later/bin/compile', 'ls "$1"')
    await script('tool/bin/detect', 'echo Tool')
    await script('tool/bin/compile', 'echo "export TOOL=/tools/a" >"$(dirname "$0")/../export"')
    await mkdir(join(root, 'build/server'))
    await writeFile(join(root, 'build/server/package.json'), '{}')
    expect(await build('all', 'later', 'subdir')).toMatchObject({ code: 1, stderr: 'undetected later\n' })
    const { code, stdout } = await build('all', 'subdir', 'tool', 'later')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: '-----> SUBDIR app detected\n-----> Tool app detected\n-----> with /tools/a app detected\npackage.json\n',
    })
  })

  it('one may be named several times', async () => {
    await pack(
      'again',
      'echo once >>"$1/count"; echo "export COUNT=x$COUNT" >"$(dirname "$0")/../export"; echo "[$COUNT]"',
    )
    expect((await build('all', 'again', 'again')).stdout).toMatch(/\[\]\n-----> AGAIN app detected\n\[x\]\n$/)
  })

  it('no more run after one that was named and cannot', async () => {
    const { code, stdout, stderr } = await build('all', 'yes', 'no', 'also')
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'detected yes YES\ncompiling\nundetected no\n' })
    expect(stdout).not.toContain('compiling also')
  })

  it('none runs when none can', async () => {
    const none = { code: 1, stdout: '', stderr: 'compiling\n', slug: Buffer.alloc(0), mostBytes: 0 }
    expect(await build('first', 'no')).toEqual(none)
  })
})

describe('a pack', () => {
  it('gets its three directories and the environment of the classic API', async () => {
    await writeFile(join(root, 'env/SECRET'), 'from the config')
    await pack('a', 'echo "$1 $2 $3 $STACK $SOURCE_VERSION [${SECRET-unset}] $(cat "$3/SECRET")"')
    const { stdout } = await build('first', 'a')
    const directories = ['build', 'cache', 'env'].map((part) => join(root, part)).join(' ')
    expect(stdout).toContain(`\n${directories} debian-13 abc [unset] from the config\n`)
  })

  it('shows what it prints on both outputs in one, in order', async () => {
    await pack('a', 'echo one; echo two >&2; echo three')
    expect((await build('first', 'a')).stdout).toContain('one\ntwo\nthree\n')
  })

  it('gives those after it what it exported', async () => {
    await pack('a', 'echo "export TOOL=/tools/a" > "$(dirname "$0")/../export"')
    await pack('b', 'echo "tool: $TOOL"')
    expect((await build('all', 'a', 'b')).stdout).toContain('tool: /tools/a\n')
  })

  it('declares process types, if it is the last', async () => {
    await pack('a', 'true')
    await script('a/bin/release', 'echo "default_process_types: {web: a}"')
    await pack('b', 'true')
    await script('b/bin/release', 'echo "default_process_types: {web: ü}"; echo noise >&2')
    const { stdout, stderr } = await build('all', 'a', 'b')
    expect(stderr).toMatch(/\ndetected b B\nrelease 32\ndefault_process_types: {web: ü}\n$/)
    expect(stdout).not.toContain('noise')
  })

  it('that fails ends the build, with its exit code and its reason in one line', async () => {
    await pack('a', 'source "$(dirname "$0")/../../lib/common.sh"; fail "no such thing" "Do this."')
    await pack('b', 'echo not reached')
    const { code, stdout, stderr } = await build('all', 'a', 'b')
    expect(code).toBe(1)
    expect(stdout).toMatch(/detected\n !     Do this\.\n$/)
    expect(stderr).toMatch(/\ncompiling\nfailed a no such thing\n$/)
  })

  it('that gives no reason, or a long one, fails as well', async () => {
    await pack('a', 'exit 7')
    expect(await build('first', 'a')).toMatchObject({ code: 7, stderr: expect.stringMatching(/\nfailed a \n$/) })
    await pack('a', 'printf "first\\nrelease\\nforged: yes" > "$PAAS_REASON_FILE"; exit 1')
    expect(await build('first', 'a')).toMatchObject({ code: 1, stderr: expect.stringMatching(/\nfailed a first\n$/) })
  })

  it('leaves what it made as the slug, whatever it may read of it itself', async () => {
    await writeFile(join(root, 'build/server.js'), 'one')
    await pack('a', 'mkdir "$1/sub"; echo two > "$1/sub/file"; chmod 000 "$1/sub/file" "$1/sub"')
    const { slug, mostBytes } = await build('first', 'a')
    expect(slug.length).toBeLessThanOrEqual(mostBytes)
    const names: string[] = []
    await forEachEntry(Readable.from([slug]), ({ header }) => void names.push(header.name))
    expect(names.toSorted()).toEqual(['build/', 'build/server.js', 'build/sub/', 'build/sub/file'])
  })

  it('reports after success and after failure, whatever its report does', async () => {
    await pack('a', 'exit "$(cat "$2/code")"')
    await script('a/bin/report', 'echo reported >> "$2/reports"; printf "time: 3\nsize: 4"; echo noise >&2; exit 9')
    await writeFile(join(root, 'cache/code'), '0')
    expect(await build('first', 'a')).toMatchObject({ code: 0, stdout: '-----> A app detected\n' })
    await writeFile(join(root, 'cache/code'), '3')
    expect(await build('first', 'a')).toMatchObject({ code: 3, stdout: '-----> A app detected\n' })
    expect((await build('first', 'a')).stderr).toContain('\nreported a time: 3\nreported a size: 4\n')
    expect(await readFile(join(root, 'cache/reports'), 'utf8')).toBe('reported\n'.repeat(3))
  })

  it('of the app is a directory of it, runs there as its own pack, and is no pack without its programs', async () => {
    await mkdir(join(root, 'build/packs/own/bin'), { recursive: true })
    await writeFile(join(root, 'build/packs/own/name'), 'Own')
    await writeFile(join(root, 'build/packs/own/bin/detect'), '#!/usr/bin/env bash\ncat name')
    expect((await build('all', './packs/own')).stderr).toContain('unusable ./packs/own has no bin/compile\n')
    await writeFile(join(root, 'build/packs/own/bin/compile'), '#!/usr/bin/env bash\nls; echo here > "$1/made"')
    const { code, stdout } = await build('all', './packs/own')
    expect([code, stdout]).toEqual([0, '-----> Own app detected\nbin\nname\n'])
    expect(await readFile(join(root, 'build/made'), 'utf8')).toBe('here\n')
    expect((await build('all', './gone')).stderr).toContain('unusable ./gone is not a directory of the app\n')
  })

  it('made for stacks of Heroku says for which when it fails', async () => {
    await mkdir(join(root, 'build/own/bin'), { recursive: true })
    await writeFile(join(root, 'build/own/bin/detect'), '#!/usr/bin/env bash\necho Own')
    await writeFile(
      join(root, 'build/own/bin/compile'),
      '#!/usr/bin/env bash\n: heroku-22 heroku-26\ntar xzf "tool-$STACK.tgz"',
    )
    await writeFile(join(root, 'build/own/tool-heroku-24.tgz'), '')
    expect((await build('all', './own')).stderr).toContain('stack ./own heroku-24\nfailed ./own \n')
  })

  it('has no way to answer in the platform’s place', async () => {
    await pack('a', 'echo forged >&3')
    const { stdout, stderr } = await build('first', 'a')
    expect(stderr).not.toContain('forged')
    expect(stdout).toContain('Bad file descriptor')
  })
})
