import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { define } from '../command.ts'

export function defineServer(program: Command): void {
  define(program, {
    name: 'server',
    summary: 'run a paas server, or one of its processes',
    details:
      'Settings are environment variables: see docs/configuration.md. Without --role all processes run, with a Redis of their own.',
    examples: ['paas server', 'paas server --role router', 'paas server --take-over', 'paas server --as-copy'],
  })
    .option('--role <role>', 'api, gate, worker or router')
    .option('--as-copy', 'give a copy of a data directory its own server id, so that both can run')
    .option('--take-over', 'replace the server that runs on the data directory, without downtime')
    .action(serve)

  define(program, {
    name: 'server:backup',
    summary: 'back the whole server up',
    details:
      "On the server's machine, by who may read its data directory, with the settings of the server: see docs/backups.md. The server keeps running. What was stored is read back and compared. Ends with 3 if something could not be stored, such as the data of an add-on that is down.",
    examples: ['paas server:backup'],
  }).action((options: Json) => runBackup([], options))

  define(program, {
    name: 'server:backups',
    summary: 'list the backups of the server',
    details: "On the server's machine: when each was made, what it holds, or why it failed.",
    examples: ['paas server:backups'],
  }).action((options: Json) => runBackup(['--list'], options))

  define(program, {
    name: 'server:restore',
    arguments: '[id]',
    summary: 'bring a server back from a backup, the newest or another',
    details:
      'On the new machine, into an empty data directory, with PAAS_BACKUP_TARGET and PAAS_BACKUP_PASSPHRASE_FILE set. Apps, releases, config vars, tokens, images, volumes and add-ons with their data come back. Ends with 3 if an add-on does not.',
    examples: ['paas server:restore', 'paas server:restore 5a7e12c4'],
  }).action((id: string | undefined, options: Json) => runBackup([`--restore=${id ?? 'latest'}`], options))
}

type Json = { json?: boolean }

function runBackup(argv: string[], { json }: Json): Promise<void> {
  return runProgram('backup.js', [...argv, ...(json ? ['--json'] : [])])
}

type ServeOptions = { role?: string; asCopy?: boolean; takeOver?: boolean }

function serve({ role, asCopy, takeOver }: ServeOptions): Promise<void> {
  const flags = [...(asCopy ? ['--as-copy'] : []), ...(takeOver ? ['--take-over'] : [])]
  return runProgram('server.js', [...(role === undefined ? [] : ['--role', role]), ...flags])
}

/** Returns the terminal to a program of the server, passes signals on and ends as it ends. */
async function runProgram(file: string, argv: string[]): Promise<void> {
  const child = spawn(process.execPath, [resolve(import.meta.dirname, '../../../dist', file), ...argv], {
    stdio: 'inherit',
  })
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal)
  process.on('SIGTERM', pass).on('SIGINT', pass)
  const [code] = await once(child, 'exit')
  process.exit(typeof code === 'number' ? code : 1)
}
