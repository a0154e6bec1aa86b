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
}

type ServeOptions = { role?: string; asCopy?: boolean; takeOver?: boolean }

/** Returns the terminal to the server, passes signals on and ends as it ends. */
async function serve({ role, asCopy, takeOver }: ServeOptions): Promise<void> {
  const main = resolve(import.meta.dirname, '../../../dist/server.js')
  const flags = [...(asCopy ? ['--as-copy'] : []), ...(takeOver ? ['--take-over'] : [])]
  const argv = [...(role === undefined ? [] : ['--role', role]), ...flags]
  const server = spawn(process.execPath, [main, ...argv], { stdio: 'inherit' })
  const pass = (signal: NodeJS.Signals): void => void server.kill(signal)
  process.on('SIGTERM', pass).on('SIGINT', pass)
  const [code] = await once(server, 'exit')
  process.exit(typeof code === 'number' ? code : 1)
}
