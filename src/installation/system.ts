import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { PaasError } from '../errors.ts'
import { unitName, unitPath } from './unit.ts'

const run = promisify(execFile)

/** @throws requirements_missing where a service cannot be had */
export function refuseUnlessPossible(command: string): void {
  if (process.getuid?.() !== 0) {
    throw new PaasError('requirements_missing', 'This needs root.', {
      hint: `Run: sudo npm run ${command}. npm 7 and 8 run it as the owner of the clone, so give that to root first: chown -R root: .`,
    })
  }
  if (!existsSync('/run/systemd/system')) {
    throw new PaasError('requirements_missing', 'systemd does not run on this machine.', {
      hint: 'Start the server with npm start, under whatever looks after processes here (docs/operations.md).',
    })
  }
}

/** @throws installation_failed with what it says */
export async function systemctl(...argv: string[]): Promise<string> {
  try {
    return (await run('systemctl', argv, { env: { ...process.env, LC_ALL: 'C' } })).stdout
  } catch (cause) {
    const said = ((cause as { stderr?: string }).stderr ?? String(cause)).trim().split('\n').at(-1)
    throw new PaasError('installation_failed', `systemctl ${argv.join(' ')}: ${said}`, { cause })
  }
}

export const isInstalled = (): boolean => existsSync(unitPath)

/** @throws installation_failed */
export function refuseUnlessInstalled(deed: string): void {
  if (isInstalled()) return
  throw new PaasError('installation_failed', `There is no service to ${deed} on this machine.`, {
    hint: 'Install one: sudo npm run service. A server in a terminal is replaced with npm start -- --take-over, and ended with Ctrl-C.',
  })
}

/** What a unit's process has written last. */
export async function lastLines(): Promise<string> {
  const argv = ['--unit', unitName, '--lines', '15', '--no-pager', '--output', 'cat']
  return run('journalctl', argv).then(
    ({ stdout }) => stdout.trimEnd(),
    () => '',
  )
}

const roles = ['router', 'api', 'worker', 'gate']

/** Users of the processes that need no root (supervisor/users), by name. */
export async function createRoleUsers(): Promise<void> {
  const users = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const role of roles.filter((name) => !users.some((line) => line.startsWith(`paas-${name}:`)))) {
    const options = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent']
    await run('useradd', [...options, '--shell', '/usr/sbin/nologin', `paas-${role}`])
  }
}

/** Those that are there. */
export async function removeRoleUsers(): Promise<void> {
  for (const role of roles) await run('userdel', [`paas-${role}`]).catch(() => undefined)
}

/** Runs a program whose words are for whoever looks. @throws installation_failed */
export async function runHere(program: string, argv: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(program, argv, { stdio: ['ignore', 2, 2], env })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new PaasError('installation_failed', `${program} exited with ${code ?? 'a signal'}.`)
}
