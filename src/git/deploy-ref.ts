import { PaasError } from '../errors.ts'
import type { App } from '../model/app.ts'
import { buildVersion, type Build } from '../model/build.ts'
import type { AppRecords, BuildRecords } from '../store/store.ts'
import type { AuditRecords } from '../store/audit-records.ts'
import { actOfPush } from './audit-push.ts'
import { acceptBuild, type AcceptDeps, type NewBuild } from '../source/accept-build.ts'
import { checkDiskSpace } from '../source/disk-space.ts'
import { followBuild, type FollowDeps } from './follow-build.ts'
import type { HookWire } from './hook-server.ts'
import type { Deploy, PushOptions } from './judge.ts'
import type { RefVerdict } from './proc-receive-protocol.ts'
import type { Push } from './pushes.ts'
import type { Repositories } from '../model/repositories.ts'
import { findUnderWay, servesAlready, type SameCommitDeps } from './same-commit.ts'
import { refused, verdictOf } from './verdict.ts'

export type DeployRefDeps = AcceptDeps &
  FollowDeps &
  SameCommitDeps & {
    apps: Pick<AppRecords, 'get'>
    audit: Pick<AuditRecords, 'append' | 'during'>
    builds: Pick<BuildRecords, 'create' | 'find' | 'listUnfinished'>
    repositories: Pick<Repositories, 'ensure' | 'inspect' | 'moveRef' | 'keep' | 'release'>
    /** Bytes that must be free on the disk before a build is accepted. */
    freeBytes: number
    /** Room for the build, where builds are. @throws disk_full */
    makeDiskRoom: () => Promise<void>
  }

/** Milliseconds to look at all names of a tree; the largest one takes a few seconds. */
const inspectFor = 60_000

/**
 * Takes one pushed ref through to its verdict: attaches to the build that is in progress, or has a
 * new one made, shows its output and waits for its end.
 * @throws the signal's reason when nobody waits any more, forbidden when nobody may; the build
 *   continues then
 */
export async function deployRef(
  deps: DeployRefDeps,
  push: Push,
  wire: HookWire,
  deployed: Deploy,
  options: PushOptions,
): Promise<RefVerdict> {
  const { app, account } = push
  const { command, commit, ref, previous } = deployed
  const wanted = { appId: app.id, commit, ref, noCache: options.noCache }
  const underWay = findUnderWay(deps, wanted)
  if (underWay) return options.detach ? leave(push, wire, underWay) : attach(deps, push, wire, underWay)
  if (ref !== null && !options.noCache && servesAlready(deps, app, commit)) {
    return moveOnly(deps, push, wire, { ref, commit, previous })
  }
  await checkTakes(deps, app, commit)
  const asked: NewBuild = { ...wanted, accountId: account.id, previousCommit: previous, detached: options.detach }
  if (ref !== null && options.detach) {
    if (commit === command.new) {
      push.letThrough.set(ref, asked)
      return { kind: 'let-through' }
    }
    // Git would set the branch to the tag object, and then refuse that.
    if (!(await deps.repositories.moveRef(app.id, ref, commit, previous))) return movedMeanwhile()
  }
  const build = await accept(deps, push, wire, asked)
  return options.detach ? leave(push, wire, build) : follow(deps, push, wire, build)
}

/** Starts the build of a detached push, once its ref has moved. */
export async function deployDetached(deps: DeployRefDeps, push: Push, wire: HookWire, asked: NewBuild): Promise<void> {
  await leave(push, wire, await accept(deps, push, wire, asked))
}

/** The commit serves already, but the branch does not say so: after a rollback, or a crash. */
async function moveOnly(
  { repositories, audit }: DeployRefDeps,
  push: Push,
  wire: HookWire,
  { ref, commit, previous }: { ref: string; commit: string; previous: string | null },
): Promise<RefVerdict> {
  const { app } = push
  if (!(await repositories.moveRef(app.id, ref, commit, previous))) return movedMeanwhile()
  audit.append(actOfPush(push, ref, commit))
  await wire.show(`-----> ${app.name} already serves ${commit.slice(0, 7)}, nothing to build\n`)
  return { kind: 'ok' }
}

function movedMeanwhile(): RefVerdict {
  return refused('the branch was updated meanwhile; fetch and push again')
}

/** What would only fail later, perhaps after a long wait for another build. */
async function checkTakes(
  { apps, quotas, repositories, freeBytes, makeDiskRoom }: DeployRefDeps,
  app: App,
  commit: string,
): Promise<void> {
  const { id, name } = app
  if (apps.get(id)?.destroying !== false) throw new PaasError('app_not_found', `The app ${name} is being destroyed.`)
  quotas.checkBuild(app)
  await checkDiskSpace(await repositories.ensure(id), freeBytes)
  await makeDiskRoom()
  // Not aborted with the client: once everything was sent, the push counts.
  await repositories.inspect(id, commit, AbortSignal.timeout(inspectFor))
}

async function accept(deps: DeployRefDeps, push: Push, wire: HookWire, asked: NewBuild): Promise<Build> {
  const ahead = deps.builds.listUnfinished(asked.appId).find(({ state }) => state.kind === 'running')
  const act = actOfPush(push, asked.ref ?? 'refs/deploy', asked.commit)
  const { build, queued } = await deps.audit.during(act, () => acceptBuild(deps, asked))
  if (!queued) {
    await wire.show(' !     The queue (Redis) is unavailable. The build starts as soon as it is back.\n')
  } else if (ahead) await wire.show(`-----> Waiting for the build of ${short(ahead)} to finish\n`)
  return build
}

async function attach(deps: DeployRefDeps, push: Push, wire: HookWire, build: Build): Promise<RefVerdict> {
  await wire.show(`-----> The build of ${short(build)} is already running; its output from the beginning:\n`)
  return follow(deps, push, wire, build)
}

/**
 * The build belongs to the app and continues; a user who lost access no longer sees its output or
 * result.
 */
async function follow(deps: DeployRefDeps, { access }: Push, wire: HookWire, build: Build): Promise<RefVerdict> {
  const signal = AbortSignal.any([wire.signal, access.signal])
  try {
    return verdictOf(await followBuild(deps, build.id, (bytes) => wire.show(bytes), signal))
  } catch (cause) {
    access.signal.throwIfAborted()
    throw cause
  }
}

async function leave({ app }: Push, wire: HookWire, build: Build): Promise<RefVerdict> {
  await wire.show(
    `-----> Build of ${short(build)} accepted. To follow it: paas builds:output ${build.id} -a ${app.name}\n`,
  )
  return { kind: 'ok' }
}

function short(build: Build): string {
  return build.source ? buildVersion(build) : build.commit.slice(0, 7)
}
