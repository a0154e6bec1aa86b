import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builderPrograms } from '../../src/build/toolbox.ts'
import { builtLayer, docker, tar } from '../engine/support.ts'
import { Builder, runIn, type AppBuilder } from './builder.ts'
import { startRegistry } from './registry.ts'

const base = 'FROM paas/debian-13\nUSER root\n'

let builder: Builder
let gateway: string
beforeAll(async () => {
  builder = new Builder({ PAAS_BUILD_MEMORY_MIB: '512' })
  await builder.engine.secureHost()
  gateway = await docker('network', 'inspect', '--format', '{{(index .IPAM.Config 0).Gateway}}', 'bridge')
})
afterAll(async () => {
  await builder.engine.removeServer()
  await builder[Symbol.asyncDispose]()
})

/** Builds an app that has this Dockerfile, and gives the result or what was thrown. */
async function build(app: AppBuilder, Dockerfile: string, options: Parameters<AppBuilder['build']>[0] = {}) {
  await app.commit({ Dockerfile })
  return app.build(options)
}

describe('a Dockerfile', () => {
  it('is built as it says, with .dockerignore, arguments, stages, here-documents and modes', async () => {
    await using app = await builder.app({
      Dockerfile: [
        'ARG BASE=paas/debian-13',
        'FROM $BASE AS made',
        'USER root',
        'ARG COLOUR=red',
        'RUN echo $COLOUR > /made',
        'FROM paas/debian-13',
        'USER root',
        'WORKDIR /srv',
        'COPY . .',
        'COPY --chmod=755 --from=made /made made',
        'COPY <<EOF doc',
        'text',
        'EOF',
        'RUN <<EOF',
        'echo built > built',
        'EOF',
        'ENV MODE=fast',
        'EXPOSE 8000 9000/udp',
        'VOLUME /srv/data',
        'HEALTHCHECK CMD true',
        'ONBUILD RUN false',
        'LABEL paas.server=forged paas.kind=dyno paas.dyno=web.1 mine=yes',
        'USER 1234',
        'ENTRYPOINT ["/bin/cat"]',
        'CMD ["made", "doc", "built"]',
      ].join('\n'),
      'package.json': '{}',
      '.dockerignore': '*\n!kept\n**/*.tmp\n',
      kept: 'x',
      secret: 'x',
      'directory/file.tmp': 'x',
    })
    const result = await app.build()
    expect(result).toMatchObject({ buildpack: 'Dockerfile', processTypes: { web: null } })
    const image = await builder.engine.findImage(result.image)
    expect(image).toMatchObject({
      exposedPorts: [8000],
      labels: { mine: 'yes', 'paas.kind': 'image', 'paas.app': app.id },
    })
    expect(image?.labels['paas.server']).not.toBe('forged')
    expect(image?.labels).not.toHaveProperty('paas.dyno')
    const { Config } = JSON.parse(await docker('inspect', '--format', '{{json .}}', result.image)) as Record<
      string,
      object
    >
    expect(Config).toMatchObject({
      Entrypoint: ['/bin/cat'],
      Cmd: ['made', 'doc', 'built'],
      WorkingDir: '/srv',
      User: '1234',
      Env: expect.arrayContaining(['MODE=fast']),
      Healthcheck: { Test: ['CMD-SHELL', 'true'] },
    })
    expect(Config).not.toHaveProperty('Volumes./srv/data')
    expect(app.output).toContain('VOLUME is ignored')
    expect(app.output).not.toMatch(/^([0-9a-f]{64}|COMMIT.*|.*Successfully tagged.*)$/m)
    expect((await runIn(result, 'ls -A; cat made doc built; stat -c %a made')).output).toBe(
      'built\ndoc\nkept\nmade\nred\ntext\nbuilt\n755\n',
    )
  })

  it('that fails is told with the step that failed, after what it printed', async () => {
    await using app = await builder.app({})
    await expect(build(app, `${base}RUN echo working >&2 && exit 3\n`)).rejects.toMatchObject({
      code: 'build_failed',
      message: 'RUN echo working >&2 && exit 3: exited with 3',
    })
    expect(app.output).toContain('\nworking\n')
    await expect(build(app, `${base}RUN --network=none true\n`)).rejects.toMatchObject({
      message: expect.stringContaining('network of the build'),
    })
  })

  it('keeps its steps and cache mounts for the next build of the same app, unless told to forget them', async () => {
    const Dockerfile = `${base}RUN --mount=type=cache,target=/kept date +%N | tee -a /key >> /kept/all; cat /kept/all\nCOPY file /\nCMD ["cat", "/key"]\n`
    await using app = await builder.app({ Dockerfile, file: '1' })
    await using other = await builder.app({ Dockerfile, file: '1' })
    const keyOf = async (one: AppBuilder, options = {}) => (await runIn(await one.build(options), 'cat /key')).output
    const key = await keyOf(app)
    await app.commit({ file: '2' })
    expect(await keyOf(app)).toBe(key)
    expect(app.output).toContain('Using cache')
    expect(await keyOf(other)).not.toBe(key)
    expect(other.output).not.toContain('Using cache')
    expect(await keyOf(app, { noCache: true })).not.toBe(key)
    expect(app.output).not.toContain(key)
  })

  it('begins again without a cache when that was larger than PAAS_DOCKERFILE_CACHE_MIB', async () => {
    await using app = await builder.app({})
    const Dockerfile = `${base}RUN head -c 4M /dev/zero > /large\nCMD ["true"]\n`
    await build(app, Dockerfile, { limits: { cacheMiB: 2 } })
    await build(app, Dockerfile)
    expect(app.output).not.toContain('Using cache')
  })

  it('builds stages at once that do not need each other', async () => {
    const meet = (own: string, other: string) =>
      `FROM paas/debian-13 AS ${own}\nUSER root\nRUN --mount=type=cache,target=/meet touch /meet/${own} && timeout 60 sh -c 'until [ -e /meet/${other} ]; do sleep 0.1; done' && touch /${own}\n`
    await using app = await builder.app({})
    const last = `${base}COPY --from=a /a /\nCOPY --from=b /b /\nCMD ["true"]\n`
    expect(await build(app, meet('a', 'b') + meet('b', 'a') + last)).toMatchObject({ buildpack: 'Dockerfile' })
  })
})

it('comes out of the program for usual steps as it comes out of buildah', async () => {
  const ours = await describeBuilt(usualSteps)
  expect(ours.output).toMatch(/^\[3\/3\] STEP 2\/\d+: /m)
  // Said before a Dockerfile, this leaves it to buildah.
  const theirs = await describeBuilt(`# escape=\\\n${usualSteps}`)
  expect(ours.config).toEqual(theirs.config)
  expect(ours.files).toEqual(theirs.files)
})

/** What the program for usual steps knows, with the cases in which builders differ. */
const usualSteps = [
  'ARG NAME=made',
  'FROM paas/debian-13 AS base',
  'FROM base AS made',
  'USER root',
  'ARG COLOUR=red NAME',
  'ENV A=1 B="two words" C=\\$A D=${A:+set}${E:-unset}',
  'RUN echo "$COLOUR $NAME $A $B $C $D" > /made && ln /made /hard && ln -s made /soft && chmod 4755 /hard && \\',
  '  # not a step',
  '',
  '  mkdir -p /tree/a /tree/b && echo x > /tree/a/x && ln -s ../a/x /tree/b/y && chown -R 7:8 /tree/b',
  'RUN rm -rf /usr/share/doc /etc/issue /tree/a && mkdir -p /usr/share/doc/own /tree/a && touch /tree/a/new',
  'FROM paas/debian-13-node',
  'LABEL one=1 two="2 3"',
  'ENV PATH=/mine:$PATH',
  'USER root',
  'WORKDIR /srv/deep',
  'WORKDIR relative',
  'RUN pwd > where; node -p 1 > node; env | grep -Ev "^(HOSTNAME|PWD|SHLVL|_|container)=" | sort > env',
  'COPY *.js lib? /srv/globs/',
  'COPY lib /srv/lib',
  'COPY --chown=app lib/one.js /srv/lib/renamed.js',
  'COPY --chmod=750 --chown=7:8 ["lib", "with space.js", "/srv/mode/"]',
  'COPY --from=made /made /hard /soft /srv/from/',
  'COPY --from=made /tree /srv/tree',
  'COPY --from=made /usr/share/doc /usr/share/doc',
  'COPY . /all',
  'USER games',
  'WORKDIR /srv/games',
  'RUN --mount=type=cache,target=/var/kept,sharing=locked id > who; echo $HOME > home',
  'VOLUME /data',
  'EXPOSE 80 81/udp',
  'HEALTHCHECK --interval=5s --retries=3 CMD true',
  'ENTRYPOINT ["/bin/cat"]',
].join('\n')

async function describeBuilt(Dockerfile: string) {
  await using app = await builder.app({
    Dockerfile,
    'a.js': 'a',
    'with space.js': 's',
    'lib/one.js': '1',
    'lib/deep/two.js': '2',
    'lib/deep/ignored': 'x',
    'lib2/x.tmp': 'x',
    'skip/no': 'x',
    'skip/kept': 'x',
    '.dockerignore': '# what\nDockerfile\nlib/deep/ig*\n**/*.tmp\nskip/*\n!skip/kept\n',
  })
  const { image } = await app.build()
  const { Labels, ...config } = JSON.parse(await docker('inspect', '--format', '{{json .Config}}', image)) as {
    Labels: Record<string, string>
    Env: string[]
  }
  const { one, two } = Labels
  const own = '\\( -path ./proc -o -path ./dev -o -path ./sys \\) -prune -o'
  const list = [
    `cd /; find . -xdev ${own} ! -type d -printf '%p %y %m %U:%G %n %s %l\\n' -o -type d -printf '%p %m %U:%G\\n' | sort`,
    'cd /srv; head -50 deep/relative/* games/* from/made',
  ].join('; ')
  const files = await docker('run', '--rm', '--network=none', '--user=0', '--entrypoint=bash', image, '-c', list)
  return { output: app.output, config: { ...config, Env: config.Env.toSorted(), one, two }, files }
}

it('begins with an image of a registry, whose layers come with the first image and not with the next', async () => {
  const layer = await builtLayer([{ name: 'x', mode: 0o755 }, 'fetched'])
  await using registry = await startRegistry(layer)
  await using opened = new Builder(registry.settings)
  await opened.engine.secureHost()
  await using app = await opened.app({ Dockerfile: `FROM ${registry.name}/x/y\nCOPY file /\n`, file: '1' })
  for (const file of ['1', '2']) {
    await app.commit({ file })
    const { image } = await app.build()
    const of = (field: string) => docker('inspect', '--format', `{{json .${field}}}`, image)
    expect(JSON.parse(await of('RootFS.Layers'))).toEqual([layer.diffId, expect.any(String)])
    expect(JSON.parse(await of('Config'))).toMatchObject({ Cmd: ['/x'], Env: expect.arrayContaining(['FETCHED=yes']) })
  }
  await opened.engine.removeServer()
})

describe('a stranger’s Dockerfile', () => {
  const secret = 'only-the-host-may-read-this-3187'
  let hits = 0
  let host: Server
  let port: number
  /** Another tenant's image, on the same engine. */
  let tenant: { digest: string; name: string }
  beforeAll(async () => {
    await using app = await builder.app({ Dockerfile: `${base}CMD ["true"]\n` })
    const { image } = await app.build()
    tenant = { digest: image, name: (await builder.engine.findImage(image))?.references[0] ?? '' }
    host = createServer((_, response) => {
      hits += 1
      response.writeHead(400).end(secret)
    })
    await new Promise<void>((resolve) => host.listen(0, '0.0.0.0', resolve))
    port = (host.address() as AddressInfo).port
  })
  afterAll(() => host.close())

  it.each([
    ['FROM 127.0.0.1:PORT/x/y', 'is not allowed on this server'],
    ['FROM paas/debian-13\nCOPY --from=GATEWAY:PORT/x/y /a /b', 'is not allowed on this server'],
    ['FROM paas/debian-13\nUSER root\nADD http://GATEWAY:PORT/ /srv/', 'cannot be fetched'],
    ['FROM paas/debian-13 AS one\nONBUILD ADD http://GATEWAY:PORT/ /srv/\nFROM one', 'cannot be fetched'],
    ['FROM IMAGE', 'cannot be pulled'],
    ['FROM TENANT', 'cannot be pulled'],
    ['FROM paas/debian-13\nCOPY --from=IMAGE /etc/passwd /srv/', 'cannot be pulled'],
    ['FROM paas/debian-13\nCOPY --from=TENANT /etc/passwd /srv/', 'cannot be pulled'],
  ])('reaches neither the host nor its images: %s', async (steps, message) => {
    await using app = await builder.app({})
    const words = { PORT: String(port), GATEWAY: gateway, IMAGE: tenant.digest.slice(7, 19), TENANT: tenant.name }
    const Dockerfile = Object.entries(words).reduce((text, [name, value]) => text.replace(name, value), steps)
    const error = await build(app, `${Dockerfile}\nCMD ["true"]\n`).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'build_failed', message: expect.stringContaining(message) })
    expect(hits).toBe(0)
  })

  it('is not helped by a registry that sends it elsewhere for a token', async () => {
    const registry = createServer((_, response) => {
      const realm = `Bearer realm="http://host.docker.internal:${port}/token",service="registry"`
      response.writeHead(401, { 'www-authenticate': realm }).end(secret)
    })
    await new Promise<void>((resolve) => registry.listen(0, '0.0.0.0', resolve))
    const open = String((registry.address() as AddressInfo).port)
    const name = `host.docker.internal:${open}`
    await using opened = new Builder({ PAAS_ALLOW_HOST: open, PAAS_REGISTRIES: `http://${name}` })
    await opened.engine.secureHost()
    await using app = await opened.app({ Dockerfile: `FROM ${name}/x/y\nCMD ["true"]\n` })
    const error = await app.build().catch((thrown: unknown) => thrown)
    registry.close()
    expect(error).toMatchObject({ message: expect.stringContaining(`The image ${name}/x/y cannot be pulled`) })
    expect(JSON.stringify([error, app.output])).not.toContain(secret)
    expect(hits).toBe(0)
  })

  it('is stopped when the image that it begins with unpacks to more than a build may write', async () => {
    await using registry = await startRegistry(await bomb())
    await using opened = new Builder(registry.settings)
    await opened.engine.secureHost()
    await using app = await opened.app({ Dockerfile: `FROM ${registry.name}/x/bomb\nCMD ["true"]\n` })
    await expect(app.build({ limits: { diskMiB: 50 } })).rejects.toMatchObject({ message: /more than 50 MiB/ })
    await opened.engine.removeServer()
  })

  it('has in its steps the limits of a build, no packets of its own making, and nobody else’s files', async () => {
    const escape = [
      'mkdir "x"; chroot("x") or die; chdir ".." for 1..64; chroot(".") or die;',
      'say "escaped $_" for grep { -e } "/bases/run/complete", glob "/cache/* /proc/[0-9]*/root/cache/*";',
      'say "store written" if open F, ">", "/bases/run/forged";',
      'say "raw" if socket S, 2, 3, 1; say "packet" if socket P, 17, 3, 768;',
      'say "host $_" for grep { -r } "/dev/mem", "/dev/vda", "/run/docker.sock", "/var/run/docker.sock";',
    ].join(' ')
    const fork =
      'for (1..2000) { $p = fork; last unless defined $p; if (!$p) { sleep 9; exit } push @p, $p } say "forked ", 0 + @p; kill 9, @p'
    const steps = [
      `RUN perl -E '${escape}'`,
      'RUN df --block-size=1M --output=size /dev/shm',
      `RUN perl -E '${fork}' || true`,
      `RUN perl -e '$x = "a" x 700_000_000'`,
    ]
    await using app = await builder.app({})
    await expect(build(app, `${base}${steps.join('\n')}\n`)).rejects.toMatchObject({
      code: 'build_failed',
      message: /memory|137/,
    })
    expect(app.output).not.toMatch(/^(escaped .*|store written|raw|packet|host .*)$/m)
    expect(app.output).toMatch(/^ *256$/m)
    expect(Number(/^forked (\d+)$/m.exec(app.output)?.[1])).toBeLessThan(1024)
  })

  it('is stopped when it fills the disk, and leaves no container when it is cancelled', async () => {
    await using app = await builder.app({})
    const fill = `${base}RUN head -c 90M /dev/urandom > /zero; sleep 1000\n`
    await expect(build(app, fill, { limits: { diskMiB: 50 } })).rejects.toMatchObject({ message: /more than 50 MiB/ })
    await expect.poll(() => builder.containersOf(app)).toEqual([])
    const abort = new AbortController()
    const building = build(app, `${base}RUN echo up; sleep 1000\n`, { signal: abort.signal })
    await expect.poll(() => app.output, { timeout: 30_000 }).toContain('\nup\n')
    expect(await builder.containersOf(app)).toHaveLength(1)
    abort.abort(new Error('cancelled'))
    await expect(building).rejects.toThrow('cancelled')
    await expect.poll(() => builder.containersOf(app)).toEqual([])
  })
})

/** A layer of 1 MiB that holds a file of 1 GiB; it never gets so far that its digest counts. */
async function bomb() {
  const tar = pack()
  tar.entry({ name: 'zeros', size: 2 ** 30 })
  const zeros = gzipSync(Buffer.alloc(2 ** 26))
  const [header] = (await once(tar, 'data')) as [Buffer]
  const content = Buffer.concat([gzipSync(header), ...Array.from({ length: 16 }, () => zeros)])
  return { content, diffId: `sha256:${'0'.repeat(64)}` }
}

it('a machine without user namespaces is told of before anything is built', async () => {
  const limits = { memoryMiB: 256, cpus: 1, pids: 256 }
  const image = await builder.builderImage()
  const spec = { appId: undefined, image, name: 'confined', user: 'app', limits, env: {}, labels: {} }
  const never = new AbortController().signal
  await using sandbox = await builder.engine.createSandbox({ ...spec, workingDirectory: '/app' }, never)
  const files = tar([{ name: 'app/Dockerfile' }, `${base}RUN true\n`])
  const order = { argv: [`${builderPrograms}/build`, '/tmp/cache', '100', '1'], env: {}, files }
  let said = ''
  const { exit } = await sandbox.run(
    order,
    (chunk, stream) => void (said += stream === 'stderr' ? chunk.toString() : ''),
    never,
  )
  await exit()
  expect(said).toBe('forbidden\n')
})
