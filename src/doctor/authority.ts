import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { getCACertificates } from 'node:tls'
import type { AcmeSettings } from '../acme-settings.ts'
import type { Finding } from '../model/finding.ts'
import { findingsOf } from './findings.ts'

/** Milliseconds for its answer. */
const patience = 10_000
/** Seconds that a clock may be off: answers travel, and certificates begin some time before. */
const mostOff = 60

/** Whether the authority answers, and has the time that this machine has. */
export async function findAuthority(acme: AcmeSettings, accounts: string[]): Promise<Finding[]> {
  const authority = findingsOf('authority')
  const { host } = new URL(acme.directory)
  try {
    const { status, date } = await ask(acme)
    if (status !== 200) return [authority.bad(`${host} answers with status ${status}`, 'See PAAS_ACME_DIRECTORY')]
    const account = accounts.includes(acme.directory) ? 'this server has an account there' : 'no account there yet'
    return [authority.good(`${host} answers; ${account}`), ...judgeTime(host, date, Date.now())]
  } catch (cause) {
    const advice = 'Certificates that serve stay; new ones wait. Let this machine reach it, or set PAAS_ACME_DIRECTORY.'
    return [authority.bad(`${host} cannot be reached: ${(cause as Error).message}`, advice)]
  }
}

/** @param date as in HTTP; `now`: milliseconds since 1970 */
export function judgeTime(host: string, date: string | undefined, now: number): Finding[] {
  const off = Math.round((now - Date.parse(date ?? '')) / 1000)
  if (Number.isNaN(off) || Math.abs(off) <= mostOff) return []
  const is = `this machine is ${Math.abs(off)} s ${off > 0 ? 'ahead of' : 'behind'} ${host}`
  return [findingsOf('clock').bad(is, 'Set the time: apt-get install systemd-timesyncd. Orders fail with a wrong one.')]
}

async function ask({ directory, trustFile }: AcmeSettings): Promise<{ status: number; date: string | undefined }> {
  const own = trustFile === undefined ? {} : { ca: [...getCACertificates('default'), readFileSync(trustFile, 'utf8')] }
  const signal = AbortSignal.timeout(patience)
  const outgoing = request(directory, { ...own, signal, agent: false, headers: { 'user-agent': 'paas' } })
  const [response] = (await once(outgoing.end(), 'response')) as [IncomingMessage]
  response.destroy()
  return { status: response.statusCode ?? 0, date: response.headers.date }
}
