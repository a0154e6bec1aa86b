import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestServer } from '../helpers/server.ts'

const program = resolve(import.meta.dirname, '../../src/main/backup.ts')

export type Ended = { code: number; output: string }

/** Runs the program that backs servers up, as `paas server:backup` and its sisters do. */
export function backup(env: NodeJS.ProcessEnv, ...argv: string[]): Promise<Ended> {
  return new Promise((ended) => {
    const child = execFile(process.execPath, [program, ...argv], { env }, (_, stdout, stderr) =>
      ended({ code: child.exitCode ?? 1, output: stdout + stderr }),
    )
  })
}

/** A directory for a target and its passphrase, with the settings that name them. */
export async function openTarget(): Promise<AsyncDisposable & { directory: string; env: Record<string, string> }> {
  const directory = await mkdtemp(join(tmpdir(), 'paas-target-'))
  const passphraseFile = join(directory, 'passphrase')
  await writeFile(passphraseFile, 'correct horse battery staple\n', { mode: 0o600 })
  const env = {
    PAAS_BACKUP_TARGET: join(directory, 'backups'),
    PAAS_BACKUP_PASSPHRASE_FILE: passphraseFile,
    PAAS_BACKUP_AT: 'off',
  }
  return { directory, env, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
}

/** The disk of the server's machine is lost, and what its engine had. */
export async function loseMachine(server: TestServer, remove: (serverId: string) => Promise<void>): Promise<void> {
  const serverId = await server.serverId()
  await server.interrupt()
  if (serverId !== undefined) await remove(serverId)
  await rm(server.dataDirectory, { recursive: true, force: true })
}
