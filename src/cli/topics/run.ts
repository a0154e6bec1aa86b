import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { attachHere } from '../attach-here.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { note, print, progress } from '../output.ts'
import type { DynoJson } from '../resources/apps.ts'
import { connectToApp } from '../session.ts'

type RunOptions = AppOptions & { env: string[]; size?: string; type?: string; timeLimit?: string }

export function defineRun(program: Command): void {
  const run = defineForApp(program, {
    name: 'run',
    arguments: '<command...>',
    summary: 'run a command in a one-off dyno',
    details:
      "The command has the app's code and config vars. In a terminal it gets a terminal too; otherwise stdin, stdout and stderr are pipes. paas exits with the " +
      "command's exit status, and the command ends when paas does. One argument is a command line for the shell; several are a program and its arguments. The name of a " +
      'process type runs its command.',
    examples: [
      'paas run bash',
      'paas run "rake db:migrate && rake db:seed"',
      'paas run -s standard-2x -e DEBUG=1 node script.js --verbose',
      'echo "select 1" | paas run psql > result.txt',
    ],
  })
    .option('--no-tty', 'use pipes even in a terminal')
    .action(runAttached)
  const detached = defineForApp(program, {
    name: 'run:detached',
    arguments: '<command...>',
    summary: 'run a command in a one-off dyno in the background',
    details: "Its output goes to the app's log.",
    examples: ['paas run:detached node import.js', 'paas run:detached --time-limit 600 npm run nightly'],
  }).action(runDetached)
  defineForApp(program, {
    name: 'ps:exec',
    arguments: '[command...]',
    summary: 'run a command or a shell in a running dyno',
    details:
      'The command runs beside the process of the dyno, with its files and config vars. Input, output and exit status are as with paas run; it ends with ' +
      'the dyno. Without a command, runs bash.',
    examples: ['paas ps:exec', 'paas ps:exec -d worker.1 ls -la /tmp', 'paas ps:exec cat heap.json > heap.json'],
  })
    .option('-d, --dyno <name>', 'which one', 'web.1')
    .option('--no-tty', 'use pipes even in a terminal')
    .passThroughOptions()
    .action(execAttached)
  for (const command of [run, detached]) {
    command
      .option('-s, --size <size>', "the dyno's size")
      .option('-e, --env <KEY=VALUE>', 'a config var for this run only; may be repeated', collect, [])
      .option('--type <type>', 'use the size of this process type')
      .option('--time-limit <seconds>', 'how long it may run, at most 86400 (a day)')
      .passThroughOptions()
  }
}

async function runAttached(words: string[], options: RunOptions & { tty: boolean }): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const raw = isTerminal(options)
  const body = { ...request(words, options, raw ? terminalEnvironment() : {}), attach: true, force_no_tty: !raw }
  const dyno = await api.post<DynoJson & { attach_url: string }>(`${path}/dynos`, body)
  await attachHere(api, { url: dyno.attach_url, raw, what: `Running ${body.command} on ${app}: ${dyno.name}` })
}

async function execAttached(words: string[], options: AppOptions & { dyno: string; tty: boolean }): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const raw = isTerminal(options)
  const command = words.length === 0 ? 'bash' : commandLine(words)
  const body = { command, env: raw ? terminalEnvironment() : {}, force_no_tty: !raw }
  const place = `${path}/dynos/${encodeURIComponent(options.dyno)}/actions/exec`
  const { attach_url: url } = await api.post<{ attach_url: string }>(place, body)
  await attachHere(api, { url, raw, what: `Running ${command} in ${options.dyno} of ${app}` })
}

function isTerminal({ tty }: { tty: boolean }): boolean {
  return tty && process.stdin.isTTY && process.stdout.isTTY
}

async function runDetached(words: string[], options: RunOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const body = { ...request(words, options), attach: false }
  const dyno = await progress(
    `Running ${body.command} on ${app}`,
    api.post<DynoJson>(`${path}/dynos`, body),
    ({ name }) => name,
  )
  note(`See its output with: paas logs -a ${app} -d ${dyno.name} --tail`)
  note(`Stop it with: paas ps:stop ${dyno.name} -a ${app}`)
  print(options, dyno, ({ name }) => name)
}

function request(words: string[], { env, size, type, timeLimit }: RunOptions, more: Record<string, string> = {}) {
  return {
    command: commandLine(words),
    env: { ...more, ...Object.fromEntries(env.map(parseVariable)) },
    ...(size === undefined ? {} : { size }),
    ...(type === undefined ? {} : { type }),
    ...(timeLimit === undefined ? {} : { time_to_live: seconds(timeLimit) }),
  }
}

/** Several words stay what they are: the shell in the dyno is not to take them apart again. */
export function commandLine(words: string[]): string {
  if (words.length === 1) return words[0] ?? ''
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ')
}

function terminalEnvironment(): Record<string, string> {
  return process.env['TERM'] ? { TERM: process.env['TERM'] } : {}
}

function parseVariable(text: string): [string, string] {
  const [, key, value] = /^(\w+)=(.*)$/s.exec(text) ?? []
  if (key !== undefined && value !== undefined) return [key, value]
  throw new PaasError('usage', `"${text}" is not KEY=VALUE.`, { hint: 'For example: paas run -e DEBUG=1 bash' })
}

function seconds(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= 86_400) return Number(text)
  throw new PaasError('usage', `--time-limit is "${text}"; it must be 1 to 86400 seconds.`)
}

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}
