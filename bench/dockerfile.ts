import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { until } from '../test/helpers/app.ts'
import { Builder, type AppBuilder } from '../test/build/builder.ts'
import type { BuildResult } from '../src/model/build-request.ts'
import { median } from './statistics.ts'
import type { Row } from './table.ts'

const run = promisify(execFile)

const files = {
  'package.json': '{ "name": "small" }',
  'server.js': 'first',
  ...Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`lib/${index}.js`, `module.exports = ${index}\n`])),
}

/** Ten steps, as a Node.js app has them; what installs its packages makes 1,200 small files. */
const dockerfile = (base: string) => `FROM ${base}
USER root
ENV NODE_ENV=production
WORKDIR /srv
COPY package.json ./
RUN mkdir node_modules && for n in $(seq 1200); do echo $n > node_modules/$n.js; done
COPY . .
EXPOSE 8000
USER app
CMD ["cat", "server.js"]
`

/** Builds of one Dockerfile by this server and by `docker build` of the same engine, in turns, in milliseconds. */
export async function benchDockerfile(rounds = 7): Promise<Row[]> {
  await using builder = new Builder()
  await builder.engine.secureHost()
  await builder.builderImage()
  const clock = watch(builder)
  const theirs = dockerfile(await builder.runImage())
  await using app = await builder.app({ ...files, Dockerfile: dockerfile('paas/debian-13') })
  await using other = await builder.app({ ...files, Dockerfile: theirs })
  // The image that it begins with is given to builders once.
  await using before = await builder.app({ Dockerfile: 'FROM paas/debian-13\nCMD ["true"]\n' })
  await before.build()
  const both = async (...options: string[]) => ({
    ours: await ourBuild(app, clock),
    docker: await dockerBuild(other, options),
  })
  // The engine may know these steps from an earlier run.
  const cold = await both('--no-cache')
  const unchanged = [await both(), await both(), await both()]
  const changed: Awaited<ReturnType<typeof both>>[] = []
  const parts: Record<string, number>[] = []
  for (let round = 1; round <= rounds; round++) {
    for (const one of [app, other]) await one.commit({ 'server.js': `change ${round}` })
    changed.push(await both())
    parts.push({ ...clock })
  }
  for (const one of [app, before]) await one.sandboxes[Symbol.asyncDispose]()
  await builder.engine.removeServer()
  await run('docker', ['rmi', '--force', benchImage(other.id)])
  return [
    ...compared('first build', [cold]),
    ...compared('unchanged tree', unchanged),
    ...compared('change of source', changed),
    ...Object.keys(clock).map((part) => row(`  of it: ${part}`, median(parts.map((one) => one[part] ?? 0)))),
  ]
}

/** As a push does it: the sandbox is prepared while the pack comes in. */
async function ourBuild(app: AppBuilder, clock: Clock): Promise<number> {
  delete clock[sandboxStart]
  app.sandboxes.prepare(app.id, { kind: 'dockerfile', toolchains: [], stack: 'debian-13' })
  await until('a sandbox is prepared', () => Promise.resolve(clock[sandboxStart]))
  const start = performance.now()
  const earlier = made.get(app)
  made.set(app, await app.build({ findEarlier: async (inputs) => (inputs === earlier?.inputs ? earlier : undefined) }))
  return performance.now() - start
}

/** What the newest build of each made. */
const made = new WeakMap<AppBuilder, BuildResult>()

async function dockerBuild({ id, repository }: AppBuilder, options: string[]): Promise<number> {
  const start = performance.now()
  const argv = ['build', '--quiet', ...options, `--tag=${benchImage(id)}`, repository.path]
  await run('docker', argv, { env: { ...process.env, DOCKER_BUILDKIT: '0' } })
  return performance.now() - start
}

function benchImage(id: string): string {
  return `paas-bench:${id}`
}

type Clock = Record<string, number>
const sandboxStart = 'sandbox, prepared during the push and not counted'

/** Where the time of the newest build went. */
function watch({ engine }: Builder): Clock {
  const clock: Clock = {}
  const createSandbox = engine.createSandbox.bind(engine)
  const loadImage = engine.loadImage.bind(engine)
  engine.createSandbox = async (...asked) => {
    const start = performance.now()
    const sandbox = await createSandbox(...asked)
    clock[sandboxStart] = performance.now() - start
    const obey = sandbox.run.bind(sandbox)
    sandbox.run = (order, onOutput, signal) => {
      const given = performance.now()
      const heard: Clock = {}
      const listen: typeof onOutput = (chunk, stream) => {
        heard[stream] ??= performance.now() - given
        clock['order and source, to the first step'] = heard['stdout'] ?? 0
        clock['steps and layers, to the image'] = (heard['stderr'] ?? 0) - (heard['stdout'] ?? 0)
        return onOutput(chunk, stream)
      }
      return obey(order, listen, signal)
    }
    return sandbox
  }
  engine.loadImage = async (order) => {
    const start = performance.now()
    const image = await loadImage(order)
    clock['image checked and loaded'] = performance.now() - start
    return image
  }
  return clock
}

function compared(what: string, times: { ours: number; docker: number }[]): Row[] {
  const [ours, docker] = [median(times.map((one) => one.ours)), median(times.map((one) => one.docker))]
  const ratio = { what: '  ratio', value: ours / docker, unit: '×', target: '≤ 1 ×', met: ours <= docker }
  return [row(`Dockerfile, ${what}`, ours), row('  docker build', docker), ratio]
}

function row(what: string, value: number): Row {
  return { what, value, unit: 'ms' }
}
