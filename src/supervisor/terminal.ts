import { resolve } from 'node:path'
import type { Config } from '../config.ts'
import { asDiskError, PaasError } from '../errors.ts'
import type { ChildEvent } from './child.ts'

/**
 * What the person who started the server reads: few lines, no ids. Everything else is in the
 * server's log.
 */
export function sayChild(name: string, event: ChildEvent, logFile: string): void {
  const label = `  ${name.padEnd(8)}`
  switch (event.kind) {
    case 'ready':
      return say(`${label}started   pid ${event.pid}`)
    case 'hung':
      return say(`${label}gave no sign of life for ${event.silentMs / 1000} s; killing it. See ${logFile}`)
    case 'ended':
      return say(`${label}${event.reason}; restarting it. See ${logFile}`)
    case 'not ready':
      return say(`${label}did not start: ${describe(event.cause)} Trying again in ${event.pauseMs / 1000} s.`)
  }
}

/** What a role found out that the person should know. */
export function sayNote(name: string, text: string): void {
  say(`  ${name.padEnd(8)}${text}`)
}

/** What `--take-over` does. */
export function sayTakeOver(pid: number): void {
  say(`paas: the server with pid ${pid} is stopping; its router keeps serving until the new one is ready`)
}

/** For a router that serves without a server. `seconds`: undefined for no limit. */
export function sayRouterServesOn(pids: number[], seconds: number | undefined): void {
  const limit = seconds === undefined ? '' : `, for ${seconds} s at most`
  const all = pids.join(' ')
  say(`paas: the router (pid ${all}) keeps serving the apps until a server is started${limit}. To stop it: kill ${all}`)
}

/** What became of `--as-copy`. */
export function sayCopy(isNew: boolean, { dataDirectory }: Pick<Config, 'dataDirectory'>): void {
  if (isNew) say(`paas: ${dataDirectory} is a copy; it has its own server id from now on`)
  else say(`paas: ${dataDirectory} keeps its server id, which is already its own`)
}

/** The last lines of the start: that it is ready, where it is, and what to type next. */
export function sayReady(config: Pick<Config, 'publicUrl' | 'dataDirectory' | 'paths'>): void {
  const bin = resolve(import.meta.dirname, '../../bin')
  say(`
ready     ${config.publicUrl}
  data    ${config.dataDirectory}
  log     ${config.paths.serverLog}

Deploy an app: in its git repository, in another terminal, type

  export PATH="${bin}:$PATH"
  paas create
  git push paas main
`)
}

/**
 * The reader of the terminal output may exit (`npm start | head`): the server continues, and its
 * log has the same messages.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}

export function sayFailure(thrown: unknown): void {
  process.stderr.write(`paas: ${describe(asDiskError(thrown, 'The disk with the data directory') ?? thrown)}\n`)
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function describe(thrown: unknown): string {
  if (thrown instanceof PaasError) return `${[thrown.message, thrown.hint].filter(Boolean).join(' ')} (${thrown.code})`
  return thrown instanceof Error ? thrown.message : String(thrown)
}
