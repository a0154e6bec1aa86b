import { PaasError } from '../errors.ts'
import type { Command } from './command-list.ts'

/** What a push asks for beside its refs. */
export type PushOptions = { detach: boolean; noCache: boolean }

/** A ref that is to deploy. `ref` is the branch to move then, null for a build that moves none. */
export type Deploy = { kind: 'deploy'; command: Command; ref: string | null; previous: string | null }

export type Judgement = Deploy | { kind: 'refuse'; command: Command; reason: string }

const noObject = '0'.repeat(40)

/** @throws bad_request for an option there is not */
export function parseOptions(options: string[]): PushOptions {
  const unknown = options.find((option) => option !== 'detach' && option !== 'no-cache')
  if (unknown !== undefined) {
    const name = JSON.stringify(unknown.slice(0, 60))
    throw new PaasError('bad_request', `unknown push option ${name}; there are detach and no-cache`)
  }
  return { detach: options.includes('detach'), noCache: options.includes('no-cache') }
}

/**
 * Judges each ref by itself (DESIGN.md, the push contract). Of several that would deploy the first one does.
 * @param branches names of the branches that deploy, the usual one first
 */
export function judge(commands: Command[], branches: string[]): Judgement[] {
  let first: string | undefined
  return commands.map((command) => {
    const judgement = judgeOne(command, branches)
    if (judgement.kind === 'refuse') return judgement
    if (first !== undefined) return refuse(command, `one deploy per push, and ${first} came first`)
    first = command.ref.replace('refs/heads/', '')
    return judgement
  })
}

/** With --atomic one refusal is everybody's. */
export function judgeAtomically(judgements: Judgement[]): Judgement[] {
  if (judgements.every(({ kind }) => kind === 'deploy')) return judgements
  return judgements.map((judgement) =>
    judgement.kind === 'refuse' ? judgement : refuse(judgement.command, 'atomic push, and another ref is refused'),
  )
}

export function refuse(command: Command, reason: string): Judgement {
  return { kind: 'refuse', command, reason }
}

function judgeOne(command: Command, branches: string[]): Judgement {
  const [usual = 'main'] = branches
  if (command.new === noObject) return refuse(command, 'a push cannot delete; to delete the app: paas destroy')
  const [, space, name = ''] = /^refs\/(heads|deploy|tags)\/(.+)$/.exec(command.ref) ?? []
  if (space === 'tags') return refuse(command, `tags do not deploy; push HEAD:${usual}`)
  if (space === 'deploy') {
    if (!branches.includes(name)) return refuse(command, `not a deploy branch; push HEAD:refs/deploy/${usual}`)
    return { kind: 'deploy', command, ref: null, previous: null }
  }
  if (space !== 'heads' || !branches.includes(name)) return refuse(command, `not a deploy branch; push HEAD:${usual}`)
  return { kind: 'deploy', command, ref: command.ref, previous: command.old === noObject ? null : command.old }
}
