import type { BuildState } from './build.ts'
import type { AccountId, AppId, AppSetupId, BuildId } from './ids.ts'

/**
 * An app that is made from a tarball and its app.json in one go: with its config vars, built,
 * released, and seeded.
 */
export type AppSetup = {
  id: AppSetupId
  appId: AppId
  accountId: AccountId
  buildId: BuildId
  state: AppSetupState
  createdAt: Date
  updatedAt: Date
}

export type AppSetupState =
  /** Until the worker has seen the verdict of its build. */
  | { kind: 'building' }
  /** The command of app.json runs; it is never run a second time. */
  | { kind: 'postdeploy' }
  | { kind: 'succeeded'; postdeploy: Postdeploy | null }
  | { kind: 'failed'; reason: string; manifestErrors: string[]; postdeploy: Postdeploy | null }

/** What became of the command, and the end of what it printed. */
export type Postdeploy = { exitCode: number; output: string }

/** What an account may have in progress at once: each is an app, a build and a dyno. */
export const mostAppSetups = 5

/** UTF-16 units of a command's output that are kept. */
export const mostPostdeployOutput = 64 * 1024

/** What a set-up has come to by its build alone, before the worker looked at it. */
export function stateAfter(build: BuildState): AppSetupState {
  switch (build.kind) {
    case 'pending':
    case 'running':
    case 'succeeded':
      return { kind: 'building' }
    case 'failed':
      if (build.code === 'app_json_invalid') return failure('invalid app.json', { manifestErrors: [build.reason] })
      return failure(build.reason)
    case 'cancelled':
      return failure('The build was cancelled.')
    case 'superseded':
      return failure('Another build replaced the one of the app set-up.')
  }
}

export function failure(
  reason: string,
  { manifestErrors = [], postdeploy = null }: { manifestErrors?: string[]; postdeploy?: Postdeploy | null } = {},
): AppSetupState {
  return { kind: 'failed', reason, manifestErrors, postdeploy }
}
