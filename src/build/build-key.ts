import type { Engine } from '../engine/engine.ts'
import type { BuildRequest } from '../model/build-request.ts'
import { within } from '../model/machine.ts'
import type { Repositories } from '../model/repositories.ts'
import type { Candidates } from './detect.ts'
import { isPackUrl, type PackUrl } from './pack-url.ts'
import { isOurs, packsWithoutToolchain, type PackName } from './packs.ts'
import type { BuildLimits } from './sandbox-limits.ts'
import type { SourceFacts } from './source.ts'
import { baseNames, type Toolbox } from './toolbox.ts'

/** Counts the ways in which this program has made images of what was built. */
const form = 1

/** How a commit is built. */
export type BuildPlan = { kind: 'dockerfile' } | PacksPlan
/** @param toolchains packs whose toolchains it is built with */
export type PacksPlan = { kind: 'packs'; toolchains: PackName[] } & Candidates

type OnProgress = (line: string) => void

type InputDeps = {
  engine: Pick<Engine, 'machine'>
  toolbox: Pick<Toolbox, 'baseImage' | 'builderImage' | 'buildImage' | 'runImage'>
  repositories: Pick<Repositories, 'tree'>
  build: BuildLimits
  limits: { slugBytes: number }
}

/**
 * A text of all that decides what a build makes, but for the commits of packs from elsewhere: two
 * builds of an app with the same one make the same slug. It may hold secrets.
 * @param onProgress told of images that have to be made first
 */
export async function buildInputs(
  deps: InputDeps,
  { appId, commit, version = commit, config }: BuildRequest,
  { source, plan, onProgress }: { source: Pick<SourceFacts, 'namesVersion'>; plan: BuildPlan; onProgress?: OnProgress },
): Promise<string> {
  const [tree, images, machine] = await Promise.all([
    deps.repositories.tree(appId, commit),
    imagesOf(deps.toolbox, plan, onProgress),
    deps.engine.machine(),
  ])
  const { cpus, memoryMiB } = within(deps.build, machine)
  const limits = { cpus, memoryMiB, slugBytes: deps.limits.slugBytes }
  if (plan.kind === 'dockerfile') return JSON.stringify({ form, tree, images, limits })
  const { mode, packs } = plan
  const seesVersion = source.namesVersion || !packs.every(isOurs)
  const sorted = Object.entries(config).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return JSON.stringify({ form, tree, images, limits, mode, packs, config: sorted, ...(seesVersion && { version }) })
}

/** Those whose commits decide too. */
export function packsFromElsewhere(plan: BuildPlan): PackUrl[] {
  return plan.kind === 'packs' ? plan.packs.filter(isPackUrl) : []
}

export function withCommits(inputs: string, commits: ReadonlyMap<string, string>): string {
  const lines = [...commits].map(([pack, commit]) => `${pack} ${commit}`)
  return [inputs, ...lines.toSorted()].join('\n')
}

/** All that a slug may be put on: which of them it is only the build says. */
async function imagesOf(toolbox: InputDeps['toolbox'], plan: BuildPlan, onProgress?: OnProgress): Promise<string[]> {
  const images =
    plan.kind === 'dockerfile'
      ? [toolbox.builderImage(), ...baseNames.map((name) => toolbox.baseImage(name))]
      : [
          toolbox.buildImage(plan.toolchains, onProgress),
          ...possiblePacks(plan).map((pack) => toolbox.runImage([pack])),
        ]
  return (await Promise.all(images)).map(({ digest }) => digest)
}

/** Those of ours that may build it; what another one needs to run is not made for it. */
function possiblePacks({ toolchains }: Pick<PacksPlan, 'toolchains'>): PackName[] {
  return [...toolchains, ...packsWithoutToolchain]
}
