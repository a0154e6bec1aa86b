import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { define } from '../command.ts'

export function defineServer(program: Command): void {
  define(program, {
    name: 'server',
    summary: 'run a paas server here, or one role of it',
    details:
      'Settings come from the environment: see the README. Without --role all roles run, with a Redis of their own.',
    examples: ['paas server', 'paas server --role router', 'paas server --take-over', 'paas server --as-copy'],
  })
    .option('--role <role>', 'api, worker or router')
    .option(
      '--as-copy',
      "give a copied data directory a server id of its own, so that it runs beside the original's server",
    )
    .option(
      '--take-over',
      'end the server that runs on the data directory and take its place, without a gap for visitors',
    )
    .action(serve)
}

type ServeOptions = { role?: string; asCopy?: boolean; takeOver?: boolean }

/** Gives the terminal to the server, passes signals on and ends as it ends. */
async function serve({ role, asCopy, takeOver }: ServeOptions): Promise<void> {
  const main = resolve(import.meta.dirname, '../../main/server.ts')
  const flags = [...(asCopy ? ['--as-copy'] : []), ...(takeOver ? ['--take-over'] : [])]
  const argv = [...(role === undefined ? [] : ['--role', role]), ...flags]
  const server = spawn(process.execPath, [main, ...argv], { stdio: 'inherit' })
  const pass = (signal: NodeJS.Signals): void => void server.kill(signal)
  process.on('SIGTERM', pass).on('SIGINT', pass)
  const [code] = await once(server, 'exit')
  process.exit(typeof code === 'number' ? code : 1)
}
