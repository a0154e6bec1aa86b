import { fork } from 'node:child_process'
import { withStreams } from '../../child-streams.ts'
import type * as authority from './authority.ts'
import type { TlsIdentity } from './identity.ts'

type Functions = Pick<typeof authority, 'createAuthority' | 'issueCertificate' | 'issueCertificates'>
type Call<Name extends keyof Functions> = { name: Name; args: Parameters<Functions[Name]> }
type Made<Name extends keyof Functions> = Awaited<ReturnType<Functions[Name]>>
type AnyCall = { [Name in keyof Functions]: Call<Name> }[keyof Functions]

/**
 * Calls a function of authority.ts in a process of its own: what it loads takes 12 MiB, which a
 * process that needs it once a year would keep, also where it had a thread for it.
 */
export async function callInProcess<Name extends keyof Functions>(call: Call<Name>): Promise<Made<Name>> {
  const child = withStreams(fork(import.meta.filename, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }))
  const made = new Promise<Made<Name>>((resolve, reject) => {
    child.on('message', (message) => resolve(message as Made<Name>))
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`making a certificate exited with ${code}`)))
  })
  child.send(call)
  return made
}

async function answer(call: AnyCall): Promise<void> {
  process.send?.(await carryOut(call))
  process.disconnect()
}

async function carryOut(call: AnyCall): Promise<TlsIdentity | TlsIdentity[]> {
  const { createAuthority, issueCertificate, issueCertificates } = await import('./authority.ts')
  switch (call.name) {
    case 'createAuthority':
      return createAuthority(...call.args)
    case 'issueCertificate':
      return issueCertificate(...call.args)
    case 'issueCertificates':
      return issueCertificates(...call.args)
  }
}

if (import.meta.main) process.once('message', (call) => void answer(call as AnyCall))
