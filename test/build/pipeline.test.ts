import { afterAll, describe, expect, it } from 'vitest'
import { Builder, runIn } from './builder.ts'

const builder = new Builder()
afterAll(() => builder[Symbol.asyncDispose]())

/** A Node.js app with this build script: the shortest way to run anything in a build. */
function scripted(build: string, files: Record<string, string> = {}): Record<string, string> {
  return {
    'package.json': JSON.stringify({ scripts: { build: 'bash build.sh', start: 'true' } }),
    'build.sh': build,
    ...files,
  }
}

describe('a build', () => {
  it('makes an image that says what it is', async () => {
    await using app = await builder.app('node-hello')
    const result = await app.build()
    expect(result).toMatchObject({ buildpack: 'Node.js', stack: 'debian-13', processTypes: { web: 'npm start' } })
    const { phases, ...facts } = app.report
    expect(Object.keys(phases)).toEqual(['source', 'images', 'prepare', 'detect', 'compile', 'export'])
    expect(facts).toMatchObject({
      sourceBytes: expect.any(Number),
      slugBytes: result.size,
      imageBytes: expect.any(Number),
    })
    const image = await builder.engine.findImage(result.image)
    const commit = await app.repository.head()
    expect(image?.labels).toMatchObject({
      'paas.app': app.id,
      'paas.app-name': 'an-app',
      'paas.commit': commit,
      'paas.packs': 'nodejs',
      'paas.stack': 'debian-13',
      'org.opencontainers.image.revision': commit,
    })
  })

  it('shows its steps in the form people know', async () => {
    await using app = await builder.app('node-hello')
    await app.build()
    expect(app.output).toContain('-----> Node.js app detected\n')
    expect(app.output).toContain(
      '-----> Discovering process types\n       Procfile declares types -> (none)\n       Default types of the buildpack -> web\n',
    )
    expect(app.output).toMatch(/^-----> Building [0-9a-f]{8}: \d+ files, 0\.0M\n-----> Node\.js app detected\n/)
    expect(app.output).toMatch(/-----> Compressing\.\.\.\n {7}Done: 0\.0M\n-----> Discovering/)
  })

  it('lets the Procfile decide, and adds what it leaves to the pack', async () => {
    await using app = await builder.app('node-hello')
    await app.commit({ Procfile: 'web: node server.js\nrelease: ./migrate\n' })
    expect((await app.build()).processTypes).toEqual({ web: 'node server.js', release: './migrate' })
    await app.commit({ Procfile: 'release: ./migrate\n' })
    expect((await app.build()).processTypes).toEqual({ web: 'npm start', release: './migrate' })
  })

  it('adds no web process to a Procfile that says what runs', async () => {
    await using app = await builder.app('node-hello')
    await app.commit({ Procfile: 'worker: node worker.js\n' })
    expect((await app.build()).processTypes).toEqual({ worker: 'node worker.js' })
    expect(app.output).toContain('       Procfile declares types -> worker\n')
    expect(app.output).not.toContain('Default types')
  })

  it('takes the Procfile that the build left', async () => {
    await using app = await builder.app(scripted('echo "web: ./generated" > Procfile'))
    expect((await app.build()).processTypes).toEqual({ web: './generated' })
  })

  it('of an app without web processes is fine', async () => {
    await using app = await builder.app('worker-only')
    expect((await app.build()).processTypes).toEqual({ worker: 'node worker.js' })
  })

  it('uses the packs that .buildpacks names, one after the other', async () => {
    await using app = await builder.app({
      '.buildpacks': '# both\nheroku/python\nhttps://github.com/heroku/heroku-buildpack-nodejs.git\n',
      'requirements.txt': '',
      'package.json': JSON.stringify({ scripts: { build: 'python --version > built-with', start: 'node server.js' } }),
    })
    const result = await app.build()
    expect(result).toMatchObject({ buildpack: 'Python, Node.js', processTypes: { web: 'npm start' } })
    const { output } = await runIn(result, 'cat built-with; python --version; node --version')
    expect(output).toMatch(/^Python 3\.13\.\d+\nPython 3\.13\.\d+\nv\d+\.\d+\.\d+\n$/)
  })

  it('leaves out of the image what .slugignore names', async () => {
    await using app = await builder.app({ ...scripted('ls > seen'), '.slugignore': 'docs\n', 'docs/guide.md': 'x' })
    expect((await runIn(await app.build(), 'cat seen; ls')).output).not.toContain('docs')
  })

  it('runs with HOME, STACK, SOURCE_VERSION and a request id', async () => {
    await using app = await builder.app(
      scripted('echo "$HOME $PWD $STACK $SOURCE_VERSION ${#REQUEST_ID} $(id -un)" > seen'),
    )
    const { output } = await runIn(await app.build(), 'cat seen')
    expect(output).toBe(`/app /app debian-13 ${await app.repository.head()} 36 app\n`)
  })

  it('keeps what it caches for the next one of the same app only', async () => {
    const files = scripted('cat /cache/mark || true; echo "mark of an earlier build" > /cache/mark')
    await using app = await builder.app(files)
    await using other = await builder.app(files)
    await app.build()
    await app.build()
    expect(app.output).toContain('mark of an earlier build')
    await other.build()
    expect(other.output).not.toContain('mark of an earlier build')
    await app.build({ noCache: true })
    expect(app.output).not.toContain('mark of an earlier build')
  })
})

describe('a build fails', () => {
  it('when nothing is there that a pack could build', async () => {
    await using app = await builder.app('no-buildpack')
    await expect(app.build()).rejects.toMatchObject({
      code: 'build_failed',
      message: 'build failed: no buildpack could be detected',
      hint: expect.stringMatching(/^The root of the repository has .+\.\npaas builds Go, .*paas buildpacks:set NAME/s),
    })
  })

  it('and names the file whose name is nearly that of one which a pack looks for', async () => {
    await using app = await builder.app({ '.Slugignore': 'x', 'Index.html': 'x', procfile: 'web: x' })
    await expect(app.build()).rejects.toMatchObject({
      message: 'build failed: no buildpack could be detected',
      hint: expect.stringContaining("its name must be index.html. Rename it: git mv 'Index.html' index.html"),
    })
    expect(app.output).toContain(' !     procfile is ignored: its name must be Procfile.')
  })

  it.each([
    ['scala', 'build failed: .buildpacks names "scala"'],
    ['# nothing', 'build failed: .buildpacks names no buildpack'],
    ['python', 'build failed: the buildpack python cannot build this app'],
  ])('when .buildpacks is %j', async (buildpacks, message) => {
    await using app = await builder.app('node-hello')
    await app.commit({ '.buildpacks': buildpacks })
    await expect(app.build()).rejects.toMatchObject({ code: 'build_failed', message })
  })

  it('when the Procfile is not one, before anything is built', async () => {
    await using app = await builder.app('procfile-invalid')
    await expect(app.build()).rejects.toMatchObject({
      code: 'procfile_invalid',
      message: 'Procfile line 3 is "worker node worker.js"; it must be TYPE: COMMAND',
    })
    expect(app.output).not.toContain('detected')
  })

  it('when it takes longer than it may', async () => {
    await using app = await builder.app(scripted('echo begun; sleep 600'))
    await expect(app.build({ limits: { timeoutSeconds: 12 } })).rejects.toMatchObject({
      code: 'build_timeout',
      message: 'build failed: it took longer than 12 seconds',
    })
    expect(app.output).toContain('begun')
  })

  it('with the caller’s reason when it is cancelled, and leaves nothing running', async () => {
    await using app = await builder.app(scripted('echo begun; sleep 600'))
    const stop = new AbortController()
    const build = app.build({ signal: stop.signal })
    build.catch(() => undefined)
    await expect.poll(() => app.output, { timeout: 60_000 }).toContain('begun')
    stop.abort(new Error('cancelled by its owner'))
    await expect(build).rejects.toThrow('cancelled by its owner')
    await expect.poll(() => builder.containersOf(app), { timeout: 30_000 }).toEqual([])
  })

  it('when it needs more memory than it may have, and says so', async () => {
    await using app = await builder.app(scripted('node -e "const a = []; for (;;) a.push(Buffer.alloc(1 << 24, 1))"'))
    await expect(app.build({ limits: { memoryMiB: 256 } })).rejects.toMatchObject({
      code: 'build_failed',
      message: 'build failed: killed for memory at 256 MB',
    })
  })

  it('when the slug is too large', async () => {
    await using app = await builder.app(scripted('head -c 3000000 /dev/urandom > large'))
    await expect(app.build({ limits: { slugBytes: 2 ** 20 } })).rejects.toMatchObject({
      code: 'slug_too_large',
      message: 'The slug is over the limit of 1 MiB.',
    })
  })

  it('when its slug is a file that only looks large, without reading it to its end', async () => {
    await using app = await builder.app(scripted('truncate -s 100T sparse || truncate -s 10T sparse'))
    await expect(app.build()).rejects.toMatchObject({ code: 'slug_too_large' })
  })

  it('when it starts processes without end, and no other build does', async () => {
    await using app = await builder.app(scripted('bomb() { bomb | bomb & }; bomb; wait; sleep 600'))
    await using other = await builder.app('node-hello')
    const limits = { cpus: 1, timeoutSeconds: 20 }
    const [bomb, fine] = await Promise.allSettled([app.build({ limits }), other.build()])
    expect(bomb.status).toBe('rejected')
    expect(fine.status).toBe('fulfilled')
    await expect.poll(() => builder.containersOf(app), { timeout: 30_000 }).toEqual([])
  })
})
