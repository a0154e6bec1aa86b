import { resolve } from 'node:path'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { define, type Options } from '../command.ts'
import { checkHost, herokuEnvironment } from '../heroku/environment.ts'
import { note, print } from '../output.ts'
import { connect } from '../session.ts'
import { writeAuthorityFile } from '../heroku/authority-file.ts'
import { exportLines, shells, usualShell, type Shell } from '../heroku/shell.ts'

type EnvOptions = Options & { shell?: string; token: boolean }

export function defineHeroku(program: Command): void {
  define(program, {
    name: 'heroku:env',
    summary: "print settings that point Heroku's command here",
    details:
      'Evaluate them in the shell: heroku then uses this server in this shell, with your token, and sends nothing ' +
      'to Heroku. With --no-token, log in with heroku login -i.',
    examples: [
      'eval "$(paas heroku:env)"                       # bash, zsh, sh',
      'paas heroku:env --shell fish | source           # fish',
    ],
  })
    .option('-s, --shell <shell>', 'sh (also for bash and zsh) or fish (default: from $SHELL)')
    .option('--no-token', 'leave the token out')
    .action(printEnvironment)
}

async function printEnvironment({ shell, token, ...options }: EnvOptions): Promise<void> {
  const chosen = parseShell(shell)
  const api = connect()
  const { url, token: own } = api.server
  checkHost(url)
  const tls = await writeAuthorityFile(api, process.env)
  if (!tls) note('The server has no TLS port, which git push heroku and heroku run need. See PAAS_HTTPS_PORT.')
  const guard = resolve(import.meta.dirname, '../heroku/guard.cjs')
  const environment = herokuEnvironment({ url, token: token ? own : undefined }, { tls, guard, present: process.env })
  print(options, environment, () => exportLines(environment, chosen))
}

function parseShell(text: string | undefined): Shell {
  if (text === undefined) return usualShell()
  const found = shells.find((shell) => shell === text) ?? (/^(bash|zsh|dash|ksh)$/.test(text) ? 'sh' : undefined)
  if (found) return found
  throw new PaasError('usage', `--shell is "${text}"; it must be sh, bash, zsh or fish.`)
}
