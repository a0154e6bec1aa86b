import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { insteadOf } from '../../src/cli/other-names.ts'
import { createProgram } from '../../src/cli/program.ts'
import { command, runProgram } from './terminal.ts'

const program = await createProgram()
const own = program.commands.map((one) => one.name())

/** What the package of Heroku's command says about itself. */
const manifest = resolve(import.meta.dirname, '../fixtures/heroku-clients/node_modules/heroku/oclif.manifest.json')
const { commands } = JSON.parse(readFileSync(manifest, 'utf8')) as { commands: Record<string, { aliases: string[] }> }
const herokus = Object.entries(commands).flatMap(([name, { aliases }]) => [name, ...aliases])

describe('a command that there is not', () => {
  it('is answered, where Heroku has it, with what there is instead', () => {
    expect(herokus.length).toBeGreaterThan(200)
    expect(herokus.filter((name) => !own.includes(name) && insteadOf(name) === undefined)).toEqual([])
  })

  it.each([
    'deploy',
    'status',
    'cron',
    'delete',
    'apps:create',
    'run:inside',
    'pg:psql',
    'redis:cli',
    'container:login',
  ])('%s is answered with what to type', (name) => expect(insteadOf(name)).toMatch(/\b(paas|git push) [a-z]/))

  it('is never answered with a command that there is not either', () => {
    const named = [
      ...new Set(herokus.concat('deploy', 'cron', 'ssh', 'env', 'delete').flatMap((name) => insteadOf(name) ?? [])),
    ]
    const typed = named.flatMap((text) => Array.from(text.matchAll(/(?<!push )paas ([a-z:]+)/g), ([, name]) => name))
    expect(typed.filter((name) => !own.includes(name ?? '') && name !== 'help')).toEqual([])
  })

  it.each([
    [['deploy', '-a', 'acme'], 'There is no command "deploy". Deploy with: git push paas main.'],
    [['help', 'cron'], 'There is no command "cron". There is no scheduler: use a process type'],
    [['help', 'nonsense'], "Unknown command 'nonsense'. See: paas help"],
    [['nonsense', '--help'], "Unknown command 'nonsense'. See: paas help"],
    [['confg'], "Unknown command 'confg' (Did you mean config?)"],
  ])('paas %j ends with 1 after one line', async (argv, line) => {
    const { code, stdout, stderr } = await runProgram(command, argv, { env: process.env })
    expect({ code, stdout, lines: stderr.split('\n').length }).toEqual({ code: 1, stdout: '', lines: 2 })
    expect(stderr).toContain(line)
  })
})
