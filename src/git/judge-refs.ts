import type { App } from '../model/app.ts'
import type { RefCommand } from './command-list.ts'
import { deployBranches } from '../source/deploy-branches.ts'
import { isNewTag, judge, judgeAtomically, limitTags, type Judgement } from './judge.ts'
import type { Repositories } from '../model/repositories.ts'

/** Tags of one app. */
const mostTags = 5_000

/**
 * All that can be said of a push by its list of refs: by the gate, before the pack comes, and again
 * once it is in, since other pushes may have come between.
 */
export async function judgeRefs(
  repositories: Pick<Repositories, 'countTags' | 'resolve'>,
  app: App,
  { commands, atomic }: { commands: RefCommand[]; atomic: boolean },
): Promise<Judgement[]> {
  const judgements = judge(commands, await deployBranches(repositories, app))
  const limited = judgements.some(isNewTag)
    ? limitTags(judgements, { room: mostTags - (await repositories.countTags(app.id)), most: mostTags })
    : judgements
  return atomic ? judgeAtomically(limited) : limited
}
