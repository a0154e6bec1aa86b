import { PaasError } from '../errors.ts'

/** A database that the programs of PostgreSQL on this machine reach. */
export type LocalDatabase = {
  name: string
  /** For people: without a password. */
  shown: string
  /** Whether only its name was given: it is on this machine. */
  isName: boolean
  /** What those programs read instead of an argv that everybody sees. */
  env: Record<string, string>
}

/** `acme_dev`, or `postgres://user:password@host:5432/acme`. @throws usage */
export function localDatabase(given: string): LocalDatabase {
  if (/^[\w.-]{1,63}$/.test(given)) return { name: given, shown: given, isName: true, env: {} }
  const url = /^postgres(ql)?:\/\//.test(given) ? URL.parse(given) : null
  const name = decodeURIComponent(url?.pathname.slice(1) ?? '')
  if (!url || name === '') {
    throw new PaasError('usage', `"${given.replace(/\/\/[^/@]*@/, '//***@')}" is no name or URL of a database.`)
  }
  const parts = {
    PGHOST: url.hostname,
    PGPORT: url.port,
    PGUSER: decodeURIComponent(url.username),
    PGPASSWORD: decodeURIComponent(url.password),
    PGSSLMODE: url.searchParams.get('sslmode') ?? '',
  }
  const env = Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== ''))
  return { name, shown: `${url.host}/${name}`, isName: false, env }
}
