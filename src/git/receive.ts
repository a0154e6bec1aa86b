import { text } from 'node:stream/consumers'
import { asPaasError } from '../errors.ts'
import { deployBranches } from './deploy-branches.ts'
import { deployDetached, deployRef, type DeployDeps } from './deploy-ref.ts'
import type { HookHandlers, HookWire } from './hook-server.ts'
import { judge, judgeAtomically, parseOptions, refuse, type Judgement } from './judge.ts'
import { readAsked, report, type Asked, type Verdict } from './proc-receive-protocol.ts'
import type { Push } from './pushes.ts'
import { lineFor } from './refusals.ts'
import type { Repositories } from './repositories.ts'
import { refused } from './verdict.ts'

export type ReceiveDeps = DeployDeps & { repositories: Pick<Repositories, 'resolve'> }

/** What the hooks of a push ask, answered: the push contract of DESIGN.md. */
export function createHookHandlers(deps: ReceiveDeps): HookHandlers {
  return {
    'proc-receive': (push, wire) => procReceive(deps, push, wire),
    'post-receive': (push, wire) => postReceive(deps, push, wire),
  }
}

async function procReceive(deps: ReceiveDeps, push: Push, wire: HookWire): Promise<void> {
  const asked = await readAsked(wire)
  const verdicts: { ref: string; verdict: Verdict }[] = []
  for (const judgement of await judgeAll(deps, push, asked)) {
    verdicts.push({ ref: judgement.command.ref, verdict: await decide(deps, push, wire, judgement, asked.options) })
  }
  report(wire, verdicts)
}

/** All that can be said before anything is recorded. */
async function judgeAll(deps: ReceiveDeps, { app }: Push, { commands, atomic }: Asked): Promise<Judgement[]> {
  const judgements = judge(commands, await deployBranches(deps.repositories, app))
  const checked = await Promise.all(judgements.map((judgement) => checkCommit(deps, app, judgement)))
  return atomic ? judgeAtomically(checked) : checked
}

/** Git itself looks at this only when it moves the ref. */
async function checkCommit({ repositories }: ReceiveDeps, app: Push['app'], judgement: Judgement): Promise<Judgement> {
  const { command } = judgement
  if (judgement.kind === 'refuse' || (await repositories.resolve(app.id, command.new)) === command.new) return judgement
  return refuse(command, `${command.new.slice(0, 7)} is not a commit; push HEAD:${command.ref}`)
}

async function decide(
  deps: ReceiveDeps,
  push: Push,
  wire: HookWire,
  judgement: Judgement,
  options: string[],
): Promise<Verdict> {
  if (judgement.kind === 'refuse') return refused(judgement.reason)
  try {
    return await deployRef(deps, push, wire, judgement, parseOptions(options))
  } catch (cause) {
    wire.signal.throwIfAborted()
    const error = asPaasError(cause)
    if (error.fault === 'server') deps.log.error({ err: cause, app: push.app.id }, 'push not taken')
    return refused(lineFor(error))
  }
}

/** The refs that proc-receive let through have moved: now their builds begin. Lines are `OLD NEW REF` (githooks(5)). */
async function postReceive(deps: ReceiveDeps, push: Push, wire: HookWire): Promise<void> {
  for (const line of (await text(wire.input)).trim().split('\n')) {
    const ref = line.split(' ')[2] ?? ''
    const asked = push.letThrough.get(ref)
    push.letThrough.delete(ref)
    if (asked) await deployDetached(deps, push, wire, asked)
  }
}
