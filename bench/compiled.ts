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
import { betweenPushes, timedPushOfCommit } from './push.ts'
import { median } from './statistics.ts'
import type { Row } from './table.ts'

/** Where a line of an app is changed, what its compiler says of the time, where programs are. */
type Tool = { name: string; source: string; line(round: number): string; says?: RegExp; programs?: string }

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
      says: /Finished .* in (?:(\d+)m )?([\d.]+)s/,
      programs: 'bin',
    },
  },
  java: {
    starters: java.filter(({ name }) => name.startsWith('Spring')),
    tool: {
      name: 'Maven',
      source: 'src/main/java/org/acme/Round.java',
      line: (round) => `package org.acme;\n\npublic class Round {\n    static final int ROUND = ${round};\n}\n`,
      says: /Total time: +(?:(\d+):)?([\d.]+) (?:s|min)/,
    },
  },
} satisfies Record<string, { starters: Starter[]; tool: Tool }>

/**
 * Pushes of apps that are compiled, each with a changed line of source, beside what their compiler
 * says that it takes in the same pushes; in milliseconds. An app's own start is in its boot, which
 * is given too.
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

type One = { starter: Starter; tool: Tool; rounds: number }

async function benchOne(server: ServerAddress, { starter, tool, rounds }: One): Promise<Row[]> {
  await using machine = new Machine()
  await using app = await TestApp.create(server, await generate(starter, machine))
  const before = await readFile(join(app.repository.path, tool.source), 'utf8').catch(() => '')
  const push = async (round: number) => {
    await app.repository.write(tool.source, before + tool.line(round))
    await app.repository.commit(`round ${round}`)
    return timedPushOfCommit(app)
  }
  const cold = await push(0)
  const warm: (typeof cold)[] = []
  for (let round = 1; round <= rounds; round++) {
    await delay(betweenPushes)
    warm.push(await push(round))
  }
  const size = tool.programs === undefined ? [] : [await beyondProgram(app, machine, { starter, tool })]
  await app.api('DELETE', '')
  const total = median(warm.map((one) => one.total))
  return [
    { what: `${starter.name}, cold push`, value: cold.total, unit: 'ms' },
    { what: `  one line changed (median)`, value: total, unit: 'ms', ...(tool.says ? {} : atMost(total, 4000, 'ms')) },
    ...besideTool(warm, tool),
    ...Object.keys(warm[0]?.phases ?? {}).map((phase) => ({
      what: `  phase ${phase}`,
      value: median(warm.map(({ phases }) => phases[phase] ?? 0)),
      unit: 'ms',
    })),
    ...size,
  ]
}

function besideTool(warm: Awaited<ReturnType<typeof timedPushOfCommit>>[], { name, says }: Tool): Row[] {
  if (says === undefined) return []
  const own = warm.map(({ output }) => {
    // Maven gives more than a minute as 01:02.
    const [, minutes = '0', seconds] = says.exec(output) ?? []
    if (seconds === undefined) throw new Error(`${name} does not say how long it took:\n${output}`)
    return (Number(minutes) * 60 + Number(seconds)) * 1000
  })
  const others = median(warm.map(({ total }, at) => total - (own[at] ?? 0)))
  const withoutBoot = median(warm.map(({ total, phases }, at) => total - (own[at] ?? 0) - (phases['boot'] ?? 0)))
  return [
    { what: `  ${name}, by what it says itself`, value: median(own), unit: 'ms' },
    { what: '  all else', value: others, unit: 'ms', ...atMost(others, 1500, 'ms') },
    { what: '  all else but the boot', value: withoutBoot, unit: 'ms' },
  ]
}

async function beyondProgram(app: TestApp, machine: Machine, { starter, tool }: Omit<One, 'rounds'>): Promise<Row> {
  const find = ['exec', await dynoOf(app.name), 'find', `/app/${tool.programs}`, '-type', 'f', '-printf', '%s\\n']
  const { stdout } = await promisify(execFile)('docker', find)
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
