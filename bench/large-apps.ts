import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Builder } from '../test/build/builder.ts'
import { TestApp, until, type ServerAddress } from '../test/helpers/app.ts'
import { freePort } from '../test/helpers/free-port.ts'
import { gitEnvironment } from '../test/helpers/repository.ts'
import { dockerfiles, nodeApp, pythonApp, type LargeApp } from './large-app-sources.ts'
import { betweenPushes } from './push.ts'
import { median } from './statistics.ts'
import type { Row } from './table.ts'

const run = promisify(execFile)

/**
 * Pushes of apps with many packages beside `docker build`, stop and run by hand of the same files in the same run: cold, with one changed
 * line, and of an unchanged tree; in milliseconds. What the newest image has beyond the one before is what a push keeps on the disk.
 */
export async function benchLargeApps(server: ServerAddress, rounds = 5): Promise<Row[]> {
  const small = await comparePushes(
    server,
    { ...(await nodeApp({ express: '^5' })), name: 'small Node.js app' },
    rounds,
  )
  const node = await comparePushes(server, await nodeApp(), rounds)
  const python = await comparePushes(server, pythonApp(), rounds)
  const ratio = node.warm / small.warm
  const against = { what: '  one line, against the small app', value: ratio, unit: '×', target: '≤ 1.5 ×' }
  return [...small.rows, ...node.rows, { ...against, met: ratio <= 1.5 }, ...python.rows]
}

async function comparePushes(server: ServerAddress, { name, files, kind }: LargeApp, rounds: number) {
  await using app = await TestApp.create(server, 'node-hello')
  await app.repository.git('rm', '-r', '--quiet', '--force', '.')
  for (const [path, content] of Object.entries(files)) await app.repository.write(path, content)
  await using byHand = await ByHand.of(app, dockerfiles[kind])
  const change = async (text: string) => {
    const file = kind === 'node' ? 'answer.js' : 'answer.py'
    await app.repository.write(file, kind === 'node' ? `module.exports = '${text}'\n` : `TEXT = '${text}'\n`)
    await app.repository.commit(text)
  }
  await change('cold')
  const cold = { ours: await timedPush(app, 'cold'), theirs: await byHand.deploy('cold', '--no-cache') }
  // The image that the next build begins with is made in the background.
  await delay(60_000)
  const warm: { ours: Push; theirs: number }[] = []
  for (let round = 1; round <= rounds; round++) {
    await change(`warm ${round}`)
    await delay(betweenPushes)
    warm.push({ ours: await timedPush(app, `warm ${round}`), theirs: await byHand.deploy(`warm ${round}`) })
  }
  await app.repository.git('commit', '--quiet', '--allow-empty', '--message', 'Nothing')
  await delay(betweenPushes)
  const unchanged = await timedPush(app, `warm ${rounds}`)
  const ours = median(warm.map((one) => one.ours.total))
  const theirs = median(warm.map((one) => one.theirs))
  const last = warm.at(-1)?.ours
  const rows: Row[] = [
    coldRow(name, cold.ours),
    { what: '  docker build, run by hand', value: cold.theirs, unit: 'ms' },
    { what: `${name}, one line changed (median)`, value: ours, unit: 'ms' },
    { what: '  docker build, stop, run by hand (median)', value: theirs, unit: 'ms' },
    { what: '  ratio', value: ours / theirs, unit: '×', target: '≤ 1.2 ×', met: ours <= theirs * 1.2 },
    ...Object.entries(last?.phases ?? {}).map(([phase, value]) => ({ what: `  phase ${phase}`, value, unit: 'ms' })),
    {
      what: '  kept on the disk',
      value: await topLayerKiB(app.name),
      unit: 'KiB',
      target: '≤ 1024 KiB',
      met: (await topLayerKiB(app.name)) <= 1024,
    },
    atMost({ what: `${name}, unchanged tree`, value: unchanged.total, unit: 'ms' }, 1500),
    atMost({ what: '  longest silence of the cold push', value: cold.ours.silence, unit: 'ms' }, 5000),
  ]
  return { rows, warm: ours }
}

/** Against npm's own time, from the line before it to its last one. */
function coldRow(name: string, { total: value, npm, installed }: Push): Row {
  const row = { what: `${name}, cold push`, value, unit: 'ms' as const }
  if (npm === undefined) return row
  const note = `${installed}; npm took ${Math.round(npm)} ms`
  return { ...atMost(row, Math.round(1.3 * npm + 5000)), note }
}

type Push = { total: number; phases: Record<string, number>; silence: number; installed: string; npm?: number }

/** Until the commit serves: a push ends after the hold. */
async function timedPush(app: TestApp, answer: string): Promise<Push> {
  const start = performance.now()
  let [output, heard, silence] = ['', start, 0]
  const said: { begun?: number; done?: number } = {}
  const pushing = promisify(execFile)('git', ['push', 'paas', 'main'], {
    cwd: app.repository.path,
    env: gitEnvironment(),
  })
  pushing.child.stderr?.on('data', (chunk: Buffer | string) => {
    output += chunk.toString()
    silence = Math.max(silence, performance.now() - heard)
    heard = performance.now()
    if (output.includes('Installing dependencies')) said.begun ??= heard
    if (/added .* in \S/.test(output)) said.done ??= heard
  })
  await pushing
  const { hold = 0, ...phases } = phasesIn(output)
  const total = performance.now() - start - hold
  const { body } = await app.get()
  if (body !== answer) throw new Error(`the push of "${answer}" serves "${body}":\n${output}`)
  const installed = /added .* in \S+/.exec(output)?.[0] ?? ''
  const npm = said.begun !== undefined && said.done !== undefined && { npm: said.done - said.begun }
  return { total, phases, silence, installed, ...npm }
}

function phasesIn(output: string): Record<string, number> {
  const line = /Phases: (.*)/.exec(output)?.[1] ?? ''
  const matches = [...line.matchAll(/([a-z][a-z ]*) ([\d.]+)s/g)]
  return Object.fromEntries(matches.map((match) => [match[1], Number(match[2]) * 1000]))
}

/** The layer on top of the app's newest image. */
async function topLayerKiB(name: string): Promise<number> {
  const filter = ['--filter', `label=paas.app-name=${name}`]
  const { stdout } = await run('docker', ['images', '--quiet', ...filter])
  const history = ['history', '--human=false', '--format', '{{.Size}}', stdout.split('\n')[0] ?? '']
  return Number((await run('docker', history)).stdout.split('\n')[0]) / 1024
}

/** What a person types who has a Dockerfile and no deployment server. */
class ByHand implements AsyncDisposable {
  readonly #app: TestApp
  readonly #dockerfile: string
  readonly #port: number
  readonly #directory: string
  readonly #name: string

  private constructor(app: TestApp, place: { dockerfile: string; port: number; directory: string }) {
    this.#app = app
    this.#name = `paas-bench-${app.name}`
    this.#dockerfile = place.dockerfile
    this.#port = place.port
    this.#directory = place.directory
  }

  static async of(app: TestApp, dockerfile: (base: string) => string): Promise<ByHand> {
    await using builder = new Builder()
    const directory = await mkdtemp(join(tmpdir(), 'paas-bench-'))
    const text = dockerfile(await builder.buildImage())
    return new ByHand(app, { dockerfile: text, directory, port: await freePort() })
  }

  async deploy(answer: string, ...options: string[]): Promise<number> {
    const file = join(this.#directory, 'Dockerfile')
    await writeFile(file, this.#dockerfile)
    const start = performance.now()
    const build = ['build', '--quiet', ...options, `--tag=${this.#name}`, `--file=${file}`, this.#app.repository.path]
    await run('docker', build, { env: { ...process.env, DOCKER_BUILDKIT: '0' } })
    await run('docker', ['rm', '--force', this.#name]).catch(() => undefined)
    await run('docker', [
      'run',
      '--detach',
      `--name=${this.#name}`,
      `--publish=127.0.0.1:${this.#port}:8000`,
      this.#name,
    ])
    const url = `http://127.0.0.1:${this.#port}/`
    await until('it answers', async () => {
      const text = await fetch(url).then(
        (response) => response.text(),
        () => '',
      )
      return text === answer
    })
    return performance.now() - start
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('docker', ['rm', '--force', this.#name]).catch(() => undefined)
    await run('docker', ['rmi', '--force', this.#name]).catch(() => undefined)
    await rm(this.#directory, { recursive: true })
  }
}

function atMost(row: Row, most: number): Row {
  return { ...row, target: `≤ ${most} ${row.unit}`, met: row.value <= most }
}
