import { PaasError } from '../errors.ts'
import type { RefCommand } from './command-list.ts'
import { hiddenRefs } from './repository-config.ts'

/** What a push asks for beside its refs. */
export type PushOptions = { detach: boolean; noCache: boolean }

/**
 * A ref that deploys. `commit` is what was pushed, or what the annotated tag that was pushed leads
 * to; `ref` is the branch to move then, null for a build that moves none.
 */
export type Deploy = {
  kind: 'deploy'
  command: RefCommand
  commit: string
  ref: string | null
  previous: string | null
}

/** A tag, which git itself makes, moves or deletes. */
type Take = { kind: 'take'; command: RefCommand }

export type Refuse = { kind: 'refuse'; command: RefCommand; reason: string }

export type Judgement = Deploy | Take | Refuse

const noObject = '0'.repeat(40)

/**
 * @param options `NAME`, or `NAME=` and `NAME=true` from clients that know pairs only, go-git for
 *   one; hooks/post-receive reads them alike
 * @throws bad_request for an option there is not
 */
export function parseOptions(options: string[]): PushOptions {
  const names = options.map((option) => option.replace(/=(true)?$/, ''))
  const unknown = names.findIndex((name) => name !== 'detach' && name !== 'no-cache')
  if (unknown >= 0) {
    const name = JSON.stringify(options[unknown]?.slice(0, 60))
    throw new PaasError('bad_request', `unknown push option ${name}; use detach or no-cache`)
  }
  return { detach: names.includes('detach'), noCache: names.includes('no-cache') }
}

/**
 * Judges each ref by itself. Of several that would deploy the first one does.
 * @param branches names of the branches that deploy, the usual one first
 */
export function judge(commands: RefCommand[], branches: string[]): Judgement[] {
  let first: string | undefined
  return commands.map((command) => {
    const judgement = judgeOne(command, branches)
    if (judgement.kind !== 'deploy') return judgement
    if (first !== undefined) return refusal(command, `only one deploy per push, and ${first} comes first`)
    first = command.ref.replace('refs/heads/', '')
    return judgement
  })
}

/** Why a ref of an atomic push is refused that could be taken alone. */
export const anotherRefused = 'the push is atomic, and another ref was refused'

/** With --atomic one refused ref refuses all. */
export function judgeAtomically(judgements: Judgement[]): Judgement[] {
  if (judgements.every(({ kind }) => kind !== 'refuse')) return judgements
  return judgements.map((judgement) =>
    judgement.kind === 'refuse' ? judgement : refusal(judgement.command, anotherRefused),
  )
}

/** Limits how many new tags are taken. @param room how many more fit */
export function limitTags(judgements: Judgement[], { room, most }: { room: number; most: number }): Judgement[] {
  let left = room
  return judgements.map((judgement) => {
    if (!isNewTag(judgement) || left-- > 0) return judgement
    return refusal(judgement.command, `an app may have ${most} tags; delete some with git push --delete`)
  })
}

export function isNewTag({ kind, command }: Judgement): boolean {
  return kind === 'take' && command.old === noObject && command.new !== noObject
}

export function refusal(command: RefCommand, reason: string): Refuse {
  return { kind: 'refuse', command, reason }
}

function judgeOne(command: RefCommand, branches: string[]): Judgement {
  const [usual = 'main'] = branches
  const [, space, name = ''] = /^refs\/(heads|deploy|tags)\/(.+)$/.exec(command.ref) ?? []
  if (isHidden(command)) return refusal(command, 'this ref is reserved by the server')
  if (space === 'tags') return judgeTag(command, name, branches)
  if (command.new === noObject)
    return refusal(command, 'a push cannot delete a branch; to delete the app: paas destroy')
  const commit = command.new
  if (space === 'deploy') {
    if (!branches.includes(name)) return refusal(command, `not a deploy branch; push HEAD:refs/deploy/${usual}`)
    return { kind: 'deploy', command, commit, ref: null, previous: null }
  }
  if (space !== 'heads' || !branches.includes(name)) return refusal(command, `not a deploy branch; push HEAD:${usual}`)
  const previous = command.old === noObject ? null : command.old
  return { kind: 'deploy', command, commit, ref: command.ref, previous }
}

function isHidden({ ref }: RefCommand): boolean {
  return ref === hiddenRefs || ref.startsWith(`${hiddenRefs}/`)
}

/**
 * Git makes `v1:main` a tag `main` as long as there is no such branch; the push is meant to deploy.
 */
function judgeTag(command: RefCommand, name: string, branches: string[]): Judgement {
  if (command.new === noObject || !branches.includes(name)) return { kind: 'take', command }
  return refusal(command, `${name} is the deploy branch; to deploy a tag, push TAG^{}:refs/heads/${name}`)
}
