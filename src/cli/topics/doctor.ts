import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Command } from 'commander'
import { define, type Options } from '../command.ts'
import { Exit } from '../exit.ts'
import { heading, note, print, style } from '../output.ts'
import type { FindingJson, FindingsJson } from '../resources/server.ts'
import { connect } from '../session.ts'

const run = promisify(execFile)
const program = resolve(import.meta.dirname, '../../../dist/doctor.js')

export function defineDoctor(commands: Command): void {
  define(commands, {
    name: 'doctor',
    summary: 'check what the server needs of its machine',
    details:
      "DNS, ports, firewall, Docker, disk, memory, clock, backups: each line says what is, whether that is good, and what to do. On the server's machine, as root, with or without a running server; with --remote, or from another machine, an admin reads what the server itself found in the last ten minutes. Exits with 1 if something is bad.",
    examples: ['sudo paas doctor', 'paas doctor --remote', 'paas doctor --json'],
  })
    .option('--remote', 'read what the server found itself')
    .action(examine)
}

async function examine({ remote, ...options }: Options & { remote?: true }): Promise<void> {
  const findings = remote || !existsSync(program) ? await ask() : await look()
  print(options, findings, () => [
    heading('The server and its machine'),
    ...findings.flatMap((one) => linesOf(one, Math.max(...findings.map(({ name }) => name.length)))),
  ])
  if (findings.some(({ state }) => state === 'bad')) throw new Exit(1)
}

async function look(): Promise<FindingJson[]> {
  const { stdout } = await run(process.execPath, [program], { maxBuffer: 2 ** 22 })
  return JSON.parse(stdout) as FindingJson[]
}

async function ask(): Promise<FindingJson[]> {
  const { checked_at, findings } = await connect().get<FindingsJson>('/server/doctor')
  note(checked_at === null ? 'The server has not looked yet; try again in a minute.' : `As of ${checked_at}.`)
  return findings
}

const colours = { good: 'green', warning: 'yellow', bad: 'red', unknown: 'gray' } as const

function linesOf({ name, state, message, advice }: FindingJson, longest: number): string[] {
  const line = `${name.padEnd(longest)}  ${style(colours[state], state.padEnd(7))}  ${message}`
  return advice === null ? [line] : [line, `${' '.repeat(longest + 11)}→ ${advice}`]
}
