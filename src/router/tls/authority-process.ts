import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type * as authority from './authority.ts'
import type { Identity } from './identity.ts'

type Functions = Pick<typeof authority, 'createAuthority' | 'issueCertificate'>
type Call = { [Name in keyof Functions]: { name: Name; args: Parameters<Functions[Name]> } }[keyof Functions]

/**
 * Calls a function of authority.ts in a process of its own: what it loads takes 12 MiB, which a process that needs it
 * once a year would keep, also where it had a thread for it.
 */
export async function callInProcess(call: Call): Promise<Identity> {
  const child = fork(fileURLToPath(import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const made = new Promise<Identity>((resolve, reject) => {
    child.on('message', (identity) => resolve(identity as Identity))
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`making a certificate exited with ${code}`)))
  })
  child.send(call)
  return made
}

async function answer(call: Call): Promise<void> {
  const { createAuthority, issueCertificate } = await import('./authority.ts')
  const made = call.name === 'createAuthority' ? createAuthority(...call.args) : issueCertificate(...call.args)
  process.send?.(await made)
  process.disconnect()
}

if (import.meta.main) process.once('message', (call) => void answer(call as Call))
