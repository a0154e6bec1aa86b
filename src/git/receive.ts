import { text } from 'node:stream/consumers'
import { asPaasError } from '../errors.ts'
import { actOfPush } from './audit-push.ts'
import { deployDetached, deployRef, type DeployRefDeps } from './deploy-ref.ts'
import type { HookHandlers, HookWire } from './hook-server.ts'
import { anotherRefused, judgeAtomically, parseOptions, refusal, type Judgement } from './judge.ts'
import { judgeRefs } from './judge-refs.ts'
import { readAsked, report, type Asked, type RefVerdict } from './proc-receive-protocol.ts'
import type { Push } from './pushes.ts'
import { lineFor } from './refusals.ts'
import type { Repositories } from '../model/repositories.ts'
import { refused } from './verdict.ts'

export type ReceiveDeps = DeployRefDeps & { repositories: Pick<Repositories, 'countTags' | 'resolve'> }

type Decided = { ref: string; verdict: RefVerdict }

/** What the hooks of a push ask, answered. */
export function createHookHandlers(deps: ReceiveDeps): HookHandlers {
  return {
    'proc-receive': (push, wire) => procReceive(deps, push, wire),
    'post-receive': (push, wire) => postReceive(deps, push, wire),
  }
}

async function procReceive(deps: ReceiveDeps, push: Push, wire: HookWire): Promise<void> {
  const asked = await readAsked(wire)
  const judgements = await judgeAll(deps, push, asked).catch((cause: unknown) => {
    const reason = whyNot(deps, push, wire, cause)
    return asked.commands.map((command) => refusal(command, reason))
  })
  const verdicts: Decided[] = []
  for (const judgement of judgements) {
    verdicts.push({ ref: judgement.command.ref, verdict: await decide(deps, push, wire, judgement, asked.options) })
  }
  if (judgements.every(({ kind }) => kind === 'take')) await wire.show(tagsAlone(push))
  await tellRefusals(push, wire, verdicts)
  report(wire, asked.atomic ? allOrNone(verdicts) : verdicts)
}

function tagsAlone({ app }: Push): string {
  const branch = app.deployBranch ?? 'main'
  return `-----> Tags are stored and deploy nothing. To deploy, push the branch: git push paas ${branch}\n`
}

/** With --atomic one refusal is everybody's; here of what only a deploy can find out. */
function allOrNone(verdicts: Decided[]): Decided[] {
  if (verdicts.every(({ verdict }) => verdict.kind !== 'refused')) return verdicts
  return verdicts.map(({ ref, verdict }) => ({
    ref,
    verdict: verdict.kind === 'refused' ? verdict : refused(anotherRefused),
  }))
}

/** Git itself tells a client of its refs only if that asked for a report. */
async function tellRefusals(push: Push, wire: HookWire, verdicts: Decided[]): Promise<void> {
  push.refusals = verdicts.flatMap(({ ref, verdict }) =>
    verdict.kind === 'refused' ? [`${ref}: ${verdict.reason}`] : [],
  )
  if (push.takesReport) return
  for (const refusal of push.refusals) await wire.show(` !     ${refusal}\n`)
}

/**
 * All that can be said before anything is recorded.
 * @throws forbidden for somebody who could push when the pack began to come
 */
async function judgeAll(deps: ReceiveDeps, { app, access }: Push, asked: Asked): Promise<Judgement[]> {
  access.check()
  const { repositories } = deps
  const judgements = await judgeRefs(repositories, app, asked)
  const checked = await Promise.all(judgements.map((judgement) => checkCommit(repositories, app, judgement)))
  return asked.atomic ? judgeAtomically(checked) : checked
}

/** Git itself looks at this only when it moves the ref. */
async function checkCommit(
  repositories: ReceiveDeps['repositories'],
  app: Push['app'],
  judgement: Judgement,
): Promise<Judgement> {
  const { command } = judgement
  if (judgement.kind !== 'deploy') return judgement
  const commit = await repositories.resolve(app.id, command.new)
  if (commit !== undefined) return { ...judgement, commit }
  return refusal(command, `${command.new.slice(0, 7)} is not a commit; push HEAD:${command.ref}`)
}

async function decide(
  deps: ReceiveDeps,
  push: Push,
  wire: HookWire,
  judgement: Judgement,
  options: string[],
): Promise<RefVerdict> {
  if (judgement.kind === 'refuse') return refused(judgement.reason)
  if (judgement.kind === 'take') {
    deps.audit.append(actOfPush(push, judgement.command.ref, judgement.command.new))
    return { kind: 'let-through' }
  }
  try {
    push.access.check()
    const { commit, command } = judgement
    const verdict = await deployRef(deps, push, wire, judgement, parseOptions(options))
    return verdict.kind === 'ok' && commit !== command.new ? { kind: 'ok', moved: commit } : verdict
  } catch (cause) {
    return refused(whyNot(deps, push, wire, cause))
  }
}

/** The reason in one line. @throws when nobody waits for it */
function whyNot({ log }: ReceiveDeps, { app }: Push, { signal }: HookWire, cause: unknown): string {
  signal.throwIfAborted()
  const error = asPaasError(cause)
  if (error.fault === 'server') log.error({ err: cause, app: app.id }, 'push not taken')
  return lineFor(error)
}

/**
 * The refs that proc-receive let through have moved: now their builds begin. Lines are
 * `OLD NEW REF` (githooks(5)).
 */
async function postReceive(deps: ReceiveDeps, push: Push, wire: HookWire): Promise<void> {
  for (const line of (await text(wire.input)).trim().split('\n')) {
    const ref = line.split(' ')[2] ?? ''
    const asked = push.letThrough.get(ref)
    push.letThrough.delete(ref)
    if (asked) await deployDetached(deps, push, wire, asked)
  }
}
