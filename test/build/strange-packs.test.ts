import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runIn, type Builder } from './builder.ts'
import { PackHost } from './pack-host.ts'
import type { PackServer } from './pack-server.ts'

let host: PackHost
let server: PackServer
let builder: Builder
beforeAll(async () => {
  host = await PackHost.start()
  ;({ server, builder } = host)
})
afterAll(() => host?.[Symbol.asyncDispose]())

const detect = '#!/usr/bin/env bash\ntest -f "$1/app.txt" && echo "$(basename "$1") text"'
const compile = (line: string) => `#!/usr/bin/env bash\nset -eu\n${line}\n`
const app = { 'app.txt': 'x', Procfile: 'release: ./work\n' }

async function tarball(files: Record<string, string>): Promise<Buffer> {
  const tar = pack()
  for (const [name, text] of Object.entries(files)) tar.entry({ name, mode: 0o644 }, text)
  tar.finalize()
  return gzipSync(await buffer(tar))
}

describe('packs at other addresses', () => {
  it('build an app in order, with ours: each with what the one before exported, and the last one says the processes', async () => {
    const first = await server.repository('heroku-buildpack-first', {
      'bin/detect': '#!/usr/bin/env bash\nexit 0',
      'bin/compile': compile(`
        echo "-----> First sees [$(cat "$3/SETTING")] and not [\${SETTING:-}] in $STACK"
        echo "export FIRST=exported PATH=\\"$HOME/first:\\$PATH\\"" > "$(dirname "$0")/../export"
        mkdir -p "$1/.profile.d" && echo 'export FROM_PROFILE=yes' > "$1/.profile.d/first.sh"`),
      'bin/release': '#!/usr/bin/env bash\necho "default_process_types: {web: first, clock: first}"',
      'bin/report': '#!/usr/bin/env bash\ntouch "$1/first-reported"; exit 3',
    })
    await server.git('heroku-buildpack-first', 'branch', 'stable')
    await server.repository('heroku-buildpack-first', { 'bin/compile': compile('echo not this one; exit 1') })
    const second = server.put(
      'second.tgz',
      await tarball({
        'bin/detect': detect,
        'bin/compile': compile('echo "$FIRST ${PATH%%:*}" > "$1/second"; test -d "$2"'),
        'bin/release': '#!/usr/bin/env bash\necho "default_process_types: {web: ./second}"',
      }),
    )
    await using packed = await builder.app({ ...app, 'index.html': '<h1>x</h1>' })
    const config = { SETTING: 'from a config var' }
    const result = await packed.build({ config, buildpacks: ['static', `${first}#stable`, second] })
    expect(result.buildpack).toBe('Static site, first, app text')
    expect(result.processTypes).toEqual({ release: './work', web: './second' })
    expect(packed.output).toContain(`-----> Fetching the buildpack ${first}#stable\n`)
    expect(packed.output).toContain('-----> app text app detected\n')
    expect(packed.output).toMatch(/-----> First sees \[\[secret\]\] and not \[\] in debian-13\n/)
    const { output } = await runIn(result, 'cat second; echo "$FROM_PROFILE"; ls first-reported .paas')
    expect(output).toMatch(/^exported \/app\/first\nyes\n/)
    expect(output).toContain('first-reported')
  })

  it('may make a directory of the repository the app, which those after them detect', async () => {
    const subdir = await server.repository('subdir', {
      'bin/detect': '#!/usr/bin/env bash\necho Subdir',
      'bin/compile':
        '#!/usr/bin/env bash\ncp -R "$1/$(cat "$3/PROJECT_PATH")/." "$2/moved"; rm -rf "$1"; mkdir -p "$1"; cp -R "$2/moved/." "$1/"',
    })
    await using packed = await builder.app({ 'README.md': 'x', 'site/index.html': '<h1>x</h1>' })
    const result = await packed.build({ config: { PROJECT_PATH: 'site' }, buildpacks: [subdir, 'static'] })
    expect(result.buildpack).toBe('Subdir, Static site')
    expect((await runIn(result, 'ls')).output).toBe('index.html\n')
    const asked: string[] = []
    const findEarlier = async (inputs: string) => (asked.push(inputs), inputs === result.inputs ? result : undefined)
    const options = { config: { PROJECT_PATH: 'site' }, buildpacks: [subdir, 'static'], findEarlier }
    expect((await packed.build(options)).image).toBe(result.image)
    await server.repository('subdir', { 'README.md': 'a pack that changed' })
    expect((await packed.build(options)).image).not.toBe(result.image)
    expect(new Set(asked).size).toBe(2)
  })

  it('stand beside one of the app, whose files .slugignore leaves out of the image', async () => {
    const wrapping = await server.repository('wrapping', {
      'bin/detect': detect,
      'bin/compile': compile('mkdir -p "$1/bin"; cp ./bin/wrap "$1/bin"; ls "$1" > "$1/seen"'),
      'bin/wrap': '#!/usr/bin/env bash\nWRAPPED=yes exec "$@"',
    })
    await using packed = await builder.app({
      'app.txt': 'x',
      '.buildpacks': `./packs/own\n${wrapping}\n`,
      '.slugignore': 'docs\n',
      'docs/guide.md': 'x',
      'packs/own/bin/detect': detect,
      'packs/own/bin/compile': compile(
        'echo "export OWN=exported" > "$(dirname "$0")/../export"; echo made > "$1/own"',
      ),
    })
    const result = await packed.build()
    expect(packed.output).toMatch(/-----> app text app detected\n-----> app text app detected\n/)
    const { output } = await runIn(result, "cat seen; bin/wrap bash -c 'echo $WRAPPED'")
    expect(output).toBe('app.txt\nbin\nown\npacks\nseen\nyes\n')
  })

  it('fail with the name of the one that failed, having reported it', async () => {
    const failing = await server.repository('failing', {
      'bin/detect': '#!/usr/bin/env bash\nprintf "Fail\\033]0;ing\\007"',
      'bin/compile': compile('exit 7'),
      'bin/report': '#!/usr/bin/env bash\necho reported > "$2/report"; echo "token: s3cret-value"',
    })
    const showing = await server.repository('showing', {
      'bin/detect': detect,
      'bin/compile': compile('cat "$2/report"'),
    })
    await using packed = await builder.app(app)
    await expect(
      packed.build({ buildpacks: [failing, showing], config: { TOKEN: 's3cret-value' } }),
    ).rejects.toMatchObject({
      code: 'build_failed',
      message: 'build failed: the Fail buildpack exited with 7',
    })
    expect(packed.report).toMatchObject({ packs: ['token: [secret]'], phases: { compile: expect.any(Number) } })
    await packed.build({ buildpacks: [showing] })
    expect(packed.output).toContain('\nreported\n')
  })

  it.each([
    [
      'memory, whatever it does then',
      `perl -e '$x = "x" x (1 << 30)' || true; exit 3`,
      'build failed: killed for memory at 128 MB',
      'raise PAAS_BUILD_MEMORY_MIB',
    ],
    [
      'disk space',
      'echo "cp: error writing: No space left on device"; exit 1',
      'build failed: a program of it found no space left on the disk',
      'git push -o no-cache',
    ],
    [
      'stack of Heroku’s',
      'tar xzf "tool-$STACK.tgz" # there is one of heroku-24',
      'build failed: the app text buildpack exited with 2',
      'Try: paas config:set STACK=heroku-24',
    ],
    [
      'a host',
      'curl -sS http://nowhere.invalid/tool.tgz | tar xz # for heroku-24',
      'build failed: the app text buildpack exited with 2',
      'A host that it downloads from was not reached',
    ],
    [
      'a program',
      'no-such-program --version',
      'build failed: the app text buildpack exited with 127',
      'paas buildpacks:add --index 1 apt',
    ],
    [
      'a library',
      'ldd() { echo "tool: error while loading shared libraries: libx.so.1: cannot open shared object file"; exit 1; }; ldd',
      'build failed: the app text buildpack exited with 1',
      'Name its Debian package in a file Aptfile',
    ],
    ['patience', 'kill -9 $$', 'build failed: it was killed (exit code 137)', 'the machine had no memory left'],
  ])('that fail for lack of %s say so, and what to do', async (what, line, message, hint) => {
    const url = await server.repository(`without-${what.replaceAll(/\W/g, '-').slice(0, 10)}`, {
      'bin/detect': detect,
      'bin/compile': compile(line),
    })
    await using packed = await builder.app(app)
    const build = packed.build({ buildpacks: [url], limits: { memoryMiB: 128 } })
    await expect(build).rejects.toMatchObject({ code: 'build_failed', message, hint: expect.stringContaining(hint) })
  })

  it('are named in .buildpacks as well, and have to fit all', async () => {
    const choosy = await server.repository('choosy', { 'bin/detect': detect, 'bin/compile': compile('true') })
    await using packed = await builder.app({ 'index.html': 'x', '.buildpacks': `static\n${choosy}\n` })
    await expect(packed.build()).rejects.toMatchObject({
      message: `build failed: the buildpack ${choosy} cannot build this app`,
    })
  })

  it('that are not there, or none, fail the build before anything is compiled', async () => {
    const none = await server.repository('none', { 'README.md': 'x' })
    await using packed = await builder.app({ 'index.html': 'x' })
    for (const [url, reason] of [
      [none, 'has no bin/detect'],
      [`${none}#gone`, 'has no branch, tag or commit gone'],
      [server.url('nothing.git'), 'cannot be fetched'],
    ]) {
      await expect(packed.build({ buildpacks: ['static', url ?? ''] })).rejects.toMatchObject({
        code: 'build_failed',
        message: `build failed: the buildpack ${url} ${reason}`,
        hint: expect.stringContaining('paas buildpacks:set'),
      })
      expect(packed.output).not.toContain('Serving')
    }
  })

  it('reach no more than builds do, wherever they are redirected to', async () => {
    const location = 'http://169.254.169.254/latest/pack.tgz'
    const moved = server.put('moved.tgz', (response) => response.writeHead(302, { location }).end())
    await using packed = await builder.app(app)
    await expect(packed.build({ buildpacks: [moved] })).rejects.toMatchObject({
      message: `build failed: the buildpack ${moved} cannot be fetched`,
    })
    expect(packed.output).toMatch(/curl: \(7\)/)
  })
})
