import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createStack } from '../src/build/stack/debian.ts'
import { createToolbox } from '../src/build/toolbox.ts'
import { loadConfig } from '../src/config.ts'
import { connectDocker } from '../src/engine/docker/docker.ts'
import { createLog } from '../src/log.ts'
import { generate } from '../test/apps/generate.ts'
import { dynoOf, imageBeyond } from '../test/apps/image-size.ts'
import type { Starter } from '../test/apps/starter.ts'
import { go } from '../test/apps/starters/go.ts'
import { java } from '../test/apps/starters/java.ts'
import { rust } from '../test/apps/starters/rust.ts'
import { TestApp, type ServerAddress } from '../test/helpers/app.ts'
import { removeFromEngine } from '../test/helpers/engine.ts'
import { betweenPushes, timedPushOfCommit, type TimedPush } from './push.ts'
import { median } from './statistics.ts'
import { ownStart } from './own-start.ts'
import type { Row } from './table.ts'

const run = promisify(execFile)

/** Where a line of an app is changed, and where its programs are. */
type Tool = { name: string; source: string; line(round: number): string; programs?: string; runs?: Run }
/** The lines of a push between which the tool runs. */
type Run = { begins: RegExp; ends: RegExp }

const compiled = {
  go: {
    starters: go,
    tool: { name: 'Go', source: 'main.go', line: (round) => `\nvar Round = ${round}\n`, programs: 'bin' },
  },
  rust: {
    starters: rust,
    tool: {
      name: 'cargo',
      source: 'src/main.rs',
      line: (round) => `\n#[used]\nstatic ROUND: usize = ${round};\n`,
      programs: 'bin',
      runs: { begins: /Building with cargo build/, ends: /Finished .* in / },
    },
  },
  java: {
    starters: java.filter(({ name }) => name.startsWith('Spring')),
    tool: {
      name: 'Maven',
      source: 'src/main/java/org/acme/Round.java',
      line: (round) => `package org.acme;\n\npublic class Round {\n    static final int ROUND = ${round};\n}\n`,
      runs: { begins: /mvn -DskipTests package/, ends: /Finished at: / },
    },
  },
} satisfies Record<string, { starters: Starter[]; tool: Tool }>

/**
 * Pushes of apps that are compiled, each with a changed line of source, beside how long their tool
 * runs in the same pushes, and how long the app itself takes until it answers; in milliseconds.
 */
export async function benchCompiled(
  server: ServerAddress,
  language: keyof typeof compiled,
  rounds = 5,
): Promise<Row[]> {
  const rows: Row[] = []
  const { starters, tool } = compiled[language]
  for (const starter of starters) rows.push(...(await benchOne(server, { starter, tool, rounds })))
  return rows
}

type TimedToolPush = TimedPush & { tool: number; start: number }
type One = { starter: Starter; tool: Tool; rounds: number }

async function benchOne(server: ServerAddress, { starter, tool, rounds }: One): Promise<Row[]> {
  await using machine = new Machine()
  await using app = await TestApp.create(server, await generate(starter, machine))
  const before = await readFile(join(app.repository.path, tool.source), 'utf8').catch(() => '')
  const push = async (round: number) => {
    await app.repository.write(tool.source, before + tool.line(round))
    await app.repository.commit(`round ${round}`)
    const runs = tool.runs && new ToolRun(tool.runs)
    const pushed = await timedPushOfCommit(app, (text) => runs?.see(text))
    const start = runs ? await ownStart(await dynoOf(app.name)) : 0
    return { ...pushed, tool: runs?.milliseconds() ?? 0, start }
  }
  const cold = await push(0)
  const warm: TimedToolPush[] = []
  for (let round = 1; round <= rounds; round++) {
    await delay(betweenPushes)
    warm.push(await push(round))
  }
  const size = tool.programs === undefined ? [] : [await beyondProgram(app, machine, { starter, tool })]
  await app.api('DELETE', '')
  const total = median(warm.map((one) => one.total))
  return [
    { what: `${starter.name}, cold push`, value: cold.total, unit: 'ms' },
    { what: `  one line changed (median)`, value: total, unit: 'ms', ...(tool.runs ? {} : atMost(total, 4000, 'ms')) },
    ...besideTool(warm, tool),
    ...Object.keys(warm[0]?.phases ?? {}).map((phase) => ({
      what: `  phase ${phase}`,
      value: median(warm.map(({ phases }) => phases[phase] ?? 0)),
      unit: 'ms',
    })),
    ...size,
  ]
}

/** How long a tool runs in a push, by when its first and its last line come to the client. */
class ToolRun {
  readonly #run: Run
  #begun: number | undefined
  #ended: number | undefined

  constructor(run: Run) {
    this.#run = run
  }

  see(text: string): void {
    if (this.#run.begins.test(text)) this.#begun ??= performance.now()
    if (this.#run.ends.test(text)) this.#ended ??= performance.now()
  }

  milliseconds(): number {
    if (this.#begun === undefined || this.#ended === undefined) throw new Error(`no line is like ${this.#run.ends}`)
    return this.#ended - this.#begun
  }
}

function besideTool(warm: TimedToolPush[], { name, runs }: Tool): Row[] {
  if (!runs) return []
  const others = median(warm.map(({ total, tool, start }) => total - tool - start))
  return [
    { what: `  ${name}, until its last line`, value: median(warm.map(({ tool }) => tool)), unit: 'ms' },
    {
      what: '  the app itself, until it answers in a container by hand',
      value: median(warm.map(({ start }) => start)),
      unit: 'ms',
    },
    { what: '  all else', value: others, unit: 'ms', ...atMost(others, 1500, 'ms') },
  ]
}

async function beyondProgram(app: TestApp, machine: Machine, { starter, tool }: Omit<One, 'rounds'>): Promise<Row> {
  const find = ['exec', await dynoOf(app.name), 'find', `/app/${tool.programs}`, '-type', 'f', '-printf', '%s\\n']
  const { stdout } = await run('docker', find)
  const programs = stdout.split('\n').reduce((sum, line) => sum + Number(line), 0)
  const { digest } = await machine.toolbox.runImage([starter.pack])
  const value = ((await imageBeyond(digest, app.name)) - programs) / 1e6
  const note = `the program has ${(programs / 1e6).toFixed(1)} MB`
  return { what: '  image beyond the run image and the program', value, unit: 'MB', note, ...atMost(value, 5, 'MB') }
}

function atMost(value: number, most: number, unit: string) {
  return { target: `≤ ${most} ${unit}`, met: value <= most }
}

/** Where an app is generated: the stack's images, without a server. */
class Machine implements AsyncDisposable {
  readonly #serverId = randomBytes(6).toString('hex')
  readonly #config = loadConfig({ DOCKER_HOST: process.env['DOCKER_HOST'] })
  readonly engine = connectDocker({ ...this.#config, serverId: this.#serverId, log: createLog('bench', 'warn') })
  readonly toolbox = createToolbox({
    engine: this.engine,
    stack: createStack({ engine: this.engine, config: this.#config }),
  })

  async [Symbol.asyncDispose](): Promise<void> {
    await removeFromEngine(this.#serverId)
  }
}
