import type { Asker, Grant } from './grant.ts'
import type { AccountId, AddonId, AppId, OneOffId, ReleaseId } from './ids.ts'
import type { ConfigVars } from './release.ts'

/**
 * One command that runs once, in a dyno of its own or in one that runs already, with the code and
 * the config vars of a release. It is in the database from the moment it is asked for until it is
 * gone, so that none is forgotten and none runs twice.
 */
export type OneOff = {
  id: OneOffId
  appId: AppId
  releaseId: ReleaseId
  accountId: AccountId
  token: Asker['token']
  /**
   * The running dyno whose processes it joins (`web.1`), or the add-on (`joinedAddon`); null: it
   * has one of its own.
   */
  dyno: string | null
  /**
   * `run.1234`, or `exec.1234` for one that joins a dyno; no two of an app at once have the same.
   */
  name: string
  /** A shell command line. */
  command: string
  /** Beside and before the release's config vars. */
  env: ConfigVars
  size: string
  input: OneOffInput
  /** Seconds it may run. */
  timeToLive: number
  state: { kind: 'waiting' } | { kind: 'started'; at: Date }
  createdAt: Date
}

/** What is asked for. */
export type AskedOneOff = Omit<OneOff, 'id' | 'name' | 'state' | 'createdAt' | 'dyno' | 'token'> &
  Partial<Pick<OneOff, 'dyno' | 'token'>>

/**
 * Where input comes from and output goes to: a client (with a terminal or with pipes), or nowhere
 * and the app's log.
 */
export type OneOffInput = 'terminal' | 'pipes' | 'none'

/** How an add-on that is joined is named, as no dyno is. */
export function joinedAddon(id: AddonId): string {
  return `@${id}`
}

/** What each app may have at once. */
export const mostOneOffs = 20

/** Seconds: the longest any may run, and how long an attached one waits for its client. */
export const oneOffLimits = { timeToLive: 86_400, rendezvous: 60 }

/** An attached one is waited for only so long. */
export function isExpired({ input, state, createdAt }: OneOff, now = Date.now()): boolean {
  return input !== 'none' && state.kind === 'waiting' && now - createdAt.getTime() > oneOffLimits.rendezvous * 1000
}

/** What lets its client be attached to it. */
export function grantOf({ accountId, token, appId }: OneOff): Grant {
  return { accountId, token, app: { id: appId, role: 'deploy' } }
}

/**
 * The command line that runs: where its first word is a process type of the app, that type's
 * command stands for it, as on Heroku. `worker ; echo $?` → `node worker.js ; echo $?`
 */
export function resolveCommand(command: string, processTypes: Record<string, string | null>): string {
  const [, word = '', rest = ''] = /^\s*([-\w]+)(\s.*)?$/s.exec(command) ?? []
  const known = Object.hasOwn(processTypes, word) ? processTypes[word] : undefined
  return known ? `${known}${rest}` : command
}
