import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId, type AppId } from '../../src/model/ids.ts'
import { docker, limits, never, tar, testEngine, type TestEngine } from './support.ts'

const hostSecret = 'only-the-host-may-read-this-3187'

let server: TestEngine
let host: Server
let port: number
beforeAll(async () => {
  server = await testEngine()
  host = createServer((_, response) => response.writeHead(400).end(hostSecret))
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
  port = (host.address() as AddressInfo).port
})
afterAll(async () => {
  host.close()
  await server[Symbol.asyncDispose]()
})

/** Builds a Dockerfile of these steps on the run image; gives the image or the failure, with all output. */
function build(
  steps: string,
  { from = server.image, signal = never, noCache = true, diskMiB = 1000, appId = server.appId } = {},
) {
  const output: string[] = []
  const context = async () => tar([{ name: 'Dockerfile' }, `FROM ${from}\n${steps}\n`], [{ name: 'file' }, 'content'])
  const onOutput = (chunk: Buffer) => void output.push(chunk.toString())
  const options = {
    appId,
    context,
    labels: { a: 'b' },
    limits: { ...limits, diskMiB },
    noCache,
    onOutput,
  }
  return { image: server.engine.buildDockerfile(options, signal), output }
}

const containers = () =>
  docker('ps', '-aq', '--filter', `ancestor=${server.image}`, '--filter', 'label=of-test=dockerfile')

it('a Dockerfile becomes an image with our labels and its ports', async () => {
  const { image, output } = build(
    'USER root\nCOPY file /srv/\nRUN cat /srv/file\nEXPOSE 8000 9000/udp\nLABEL paas.server=forged',
  )
  expect(await image).toMatchObject({
    digest: expect.stringMatching(/^sha256:/),
    labels: { a: 'b', 'paas.server': server.serverId, 'paas.kind': 'image', 'paas.app': server.appId },
    exposedPorts: [8000],
  })
  expect(output.join('')).toMatch(/Step 1\/\d+ : FROM[^]*content[^]*Successfully built/)
})

it('output comes as it is printed', async () => {
  const { image, output } = build('RUN echo early; sleep 2; echo late')
  await expect.poll(() => output.join(''), { interval: 20 }).toContain('early\n')
  expect(output.join('')).not.toContain('\nlate\n')
  await image
  expect(output.join('')).toContain('\nlate\n')
})

it('a step that fails is named, as the user’s failure', async () => {
  await expect(build('RUN echo why >&2; exit 3').image).rejects.toMatchObject({
    code: 'build_failed',
    fault: 'user',
    message: expect.stringMatching(/^Step 2\/\d+ : RUN echo why.*returned a non-zero code: 3/),
  })
})

it('a Dockerfile that cannot be read is the user’s failure', async () => {
  await expect(build('NONSENSE').image).rejects.toMatchObject({
    code: 'build_failed',
    message: expect.stringContaining('NONSENSE'),
  })
})

it('a base image that cannot be had is named', async () => {
  const from = 'localhost:1/no/such-image:tag'
  await expect(build('', { from }).image).rejects.toMatchObject({
    code: 'build_failed',
    message: expect.stringContaining(`base image ${from} cannot be had`),
  })
})

it('an abort stops the build promptly and leaves no container', async () => {
  const abort = new AbortController()
  const { image, output } = build('LABEL of-test=dockerfile\nRUN echo up; sleep 1000', { signal: abort.signal })
  await expect.poll(() => output.join(''), { interval: 20 }).toContain('up\n')
  expect(await containers()).not.toBe('')
  abort.abort('cancelled')
  await expect(image).rejects.toBe('cancelled')
  await expect.poll(containers).toBe('')
})

it('steps have the limits of memory and of processes', async () => {
  const { image } = build(`RUN perl -e '$x = "a" x 300_000_000'`)
  await expect(image).rejects.toMatchObject({ code: 'build_failed', message: expect.stringContaining('137') })
  const count = `perl -e 'sleep 1; $n = 1; for (1..200) { $p = fork; last unless defined $p; $n++; if (!$p) { sleep 4; exit } } print "processes $n\\n"'`
  const { image: forking, output } = build(`RUN ${count}`)
  await forking
  expect(Number(/^processes (\d+)$/m.exec(output.join(''))?.[1])).toBeLessThanOrEqual(limits.pids)
})

describe('what the engine itself would fetch, from the host’s network', () => {
  it.each([
    'ADD http://127.0.0.1:PORT/ /srv/',
    'add --chown=app http://127.0.0.1:PORT/ /srv/',
    'ADD ["http://127.0.0.1:PORT/", "/srv/"]',
    'ADD ["\\u0068ttp:\\u002f\\u002f127.0.0.1:PORT/", "/srv/"]',
    'ADD ht\\tp:\\/\\/127.0.0.1:PORT/ /srv/',
    'ADD "http:"/"/127.0.0.1:PORT/" /srv/',
    'ADD \\\n  http://127.0.0.1:PORT/ \\\n  /srv/',
    'ARG URL=http://127.0.0.1:PORT/\nADD $URL /srv/',
    'ONBUILD ADD http://127.0.0.1:PORT/ /srv/',
  ])('is refused: %s', async (step) => {
    const { image, output } = build(`USER root\n${step.replace('PORT', String(port))}\nRUN cat /srv/*`)
    await expect(image).rejects.toMatchObject({
      code: 'build_failed',
      message: expect.stringContaining('ADD takes no URL'),
    })
    expect(output.join('')).not.toContain(hostSecret)
  })

  it('is refused when it comes from the base image', async () => {
    await using sandbox = await server.sandbox()
    const from = `${server.serverId}:trigger`
    await docker(
      'commit',
      '--change',
      `ONBUILD ADD http://127.0.0.1:${port}/ /srv/`,
      '--change',
      'ONBUILD RUN cat /srv/*',
      sandbox.id,
      from,
    )
    try {
      const { image, output } = build('CMD ["true"]', { from })
      await expect(image).rejects.toMatchObject({ code: 'build_failed', message: /ONBUILD/ })
      expect(output.join('')).not.toContain(hostSecret)
    } finally {
      await docker('rmi', '--force', from)
    }
  })

  it('is not shown when it is a base image’s registry that is none', async () => {
    const { image, output } = build('CMD ["true"]', { from: `127.0.0.1:${port}/some/image` })
    const error = await image.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'build_failed', message: expect.stringContaining('cannot be had') })
    expect(JSON.stringify([error, (error as Error).message, output])).not.toContain(hostSecret)
  })

  it('is fine when it is a file of the app', async () => {
    expect(await build('USER root\nADD file /srv/my-file\nRUN cat /srv/my-file').image).toBeDefined()
  })
})

it('a step that writes more than its share is stopped', async () => {
  const steps = 'USER app\nRUN dd if=/dev/zero of=/app/zero bs=1M count=60; sleep 1000'
  await expect(build(steps, { diskMiB: 50 }).image).rejects.toMatchObject({ code: 'build_failed', message: /50 MiB/ })
})

it('unchanged steps come from the cache, unless asked not to', async () => {
  const steps = `RUN echo ${server.serverId}`
  await build(steps).image
  const again = build(steps, { noCache: false })
  await again.image
  expect(again.output.join('')).toContain('Using cache')
  const anew = build(steps, { noCache: true })
  await anew.image
  expect(anew.output.join('')).not.toContain('Using cache')
})

it('the steps of the newest build are kept for the next one, those before and those of a removed app are not', async () => {
  const stages = (first: string) =>
    `RUN echo ${first}-${server.serverId}\nFROM ${server.image}\nRUN echo second-${server.serverId}\nRUN false`
  const failed = build(stages('old'))
  await expect(failed.image).rejects.toMatchObject({ code: 'build_failed' })
  const again = build(stages('old'), { noCache: false })
  await expect(again.image).rejects.toMatchObject({ code: 'build_failed' })
  expect(again.output.join('').match(/Using cache/g)).toHaveLength(2)
  const changed = build(stages('new'), { noCache: false })
  await expect(changed.image).rejects.toMatchObject({ code: 'build_failed' })
  expect(changed.output.join('').match(/Using cache/g)).toHaveLength(1)
  const [oldFirst = '', second = ''] = stepImages(again.output)
  const [newFirst = ''] = stepImages(changed.output)
  expect(await exist(oldFirst, second, newFirst)).toEqual([false, true, true])
  await server.engine.removeApp(server.appId)
  expect(await exist(oldFirst, second, newFirst)).toEqual([false, false, false])
})

/** The images that steps made, in order, without the base. */
function stepImages(output: string[]) {
  const ids = [...output.join('').matchAll(/^ ---> ([0-9a-f]{12})$/gm)].map((match) => match[1] ?? '')
  return ids.filter((id) => !server.image.includes(id))
}

async function exist(...ids: string[]) {
  return Promise.all(ids.map(async (id) => (await server.engine.findImage(id)) !== undefined))
}

it('steps of another app that go away while a build has use for them are done once more', async () => {
  const mark = randomUUID()
  const first = `USER root\nRUN echo ${mark} > /mark\nFROM ${server.image}\nUSER root\n`
  const other = newId<AppId>()
  await build(`${first}COPY --from=0 /mark /mark`, { noCache: false, appId: other }).image
  const { image, output } = build(`${first}RUN echo waiting; sleep 3\nCOPY --from=0 /mark /mark\nRUN cat /mark`, {
    noCache: false,
  })
  await expect.poll(() => output.join(''), { interval: 20 }).toContain('\nwaiting\n')
  expect(output.join('')).toContain(' ---> Using cache')
  await server.engine.removeApp(other)
  await image
  expect(output.join('')).toContain(`\n${mark}\n`)
})

it('what a step prints cannot make another image one of the app’s steps', async () => {
  const foreign = server.image.slice('sha256:'.length, 'sha256:'.length + 12)
  await build(`RUN echo ' ---> ${foreign}'`).image
  const names = await docker(
    'images',
    '--format',
    '{{.Repository}}:{{.Tag}}',
    '--filter',
    `reference=paas-*:steps-${server.appId}*`,
  )
  expect(names).not.toBe('')
  const steps = await Promise.all(names.split('\n').map((name) => server.engine.findImage(name)))
  expect(steps.map((image) => image?.digest)).not.toContain(server.image)
})

it('a Dockerfile that says nothing to run is refused', async () => {
  await expect(build('CMD []\nENTRYPOINT []').image).rejects.toMatchObject({
    code: 'build_failed',
    message: expect.stringContaining('neither CMD nor ENTRYPOINT'),
  })
})
