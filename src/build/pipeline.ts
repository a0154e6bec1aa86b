import type { Readable } from 'node:stream'
import type { Engine, Image, Sandbox } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import type { BuildFacts } from '../model/build-report.ts'
import { parseAppJson, type AppManifest } from '../model/app-json.ts'
import { within } from '../model/machine.ts'
import { appUser } from '../model/app-user.ts'
import { usualStack } from '../model/stack.ts'
import { tookTooLong } from '../model/stop-reasons.ts'
import type { Repositories } from '../model/repositories.ts'
import { buildInputs, packsFromElsewhere, withCommits, type BuildPlan, type PacksPlan } from './build-key.ts'
import { compile, type Compiled } from './compile.ts'
import type { AddressPolicy } from '../outbound/addresses.ts'
import { candidates } from './detect.ts'
import { buildDockerfile, isDockerfileBuild, type DockerfileDeps } from './dockerfile/build-dockerfile.ts'
import { exportSlug, imageLabels } from './export.ts'
import { lookedUpOnce } from './looked-up-once.ts'
import type { TreeMaker } from './make-tree.ts'
import { createMask } from '../output/mask.ts'
import { buildOrder } from './order.ts'
import { currentCommits } from './pack-commits.ts'
import { isOurs } from './packs.ts'
import { decideProcessTypes, parseProcfileOf } from './process-types.ts'
import type { BuildLimits } from './sandbox-limits.ts'
import type { BuildSandboxes } from './sandboxes.ts'
import type { BuildRequest, BuildResult, RunPipeline, Told } from '../model/build-request.ts'
import { readSource, sourceForBuild, type SourceFacts } from './source.ts'
import type { SourceLimits } from '../model/source.ts'
import { sourceWarnings } from './source-warnings.ts'
import { tellProgress } from './tell-progress.ts'
import type { Toolbox } from './toolbox.ts'
import { toolchainsFor } from './toolchains.ts'
import { TreeMaking } from './tree-making.ts'
import { treeBytes, treeOrder, type AppTrees } from './trees.ts'

export type PipelineDeps = {
  engine: Pick<Engine, 'appendLayer' | 'machine'> & DockerfileDeps['engine']
  /** By the name of the stack. */
  toolboxes: (stack: string) => BuildTools
  sandboxes: Pick<BuildSandboxes, 'dismiss' | 'keepTree' | 'remove' | 'take'>
  trees: AppTrees
  makeTree: TreeMaker
  repositories: Pick<Repositories, 'archive' | 'tree'>
  build: BuildLimits & { timeoutSeconds: number; cacheMiB: number }
  /** What a Dockerfile may begin with. */
  registries: DockerfileDeps['registries']
  limits: SourceLimits & { slugBytes: number }
  /** Where packs may be fetched from. */
  packPolicy: AddressPolicy
  log: Logger
}

type BuildTools = Pick<Toolbox, 'buildImage' | 'runImage' | 'usersIn'> & DockerfileDeps['toolbox']

export function createPipeline(own: PipelineDeps): RunPipeline {
  return async (request, told, signal) => {
    const { timeoutSeconds } = own.build
    const timeLimit = AbortSignal.timeout(timeoutSeconds * 1000)
    const either = AbortSignal.any([signal, timeLimit])
    const asked: Asked = { deps: own, request, ...told, signal: either }
    try {
      const source = await asked.clock.time('source', async () => readSource(await archive(asked), own.limits))
      const appJson = appJsonOf(source)
      const configured = appJson ? await configure(asked, appJson) : asked
      told.facts.sourceBytes = source.bytes
      for (const line of sourceWarnings(source)) told.output.error(line)
      const plan = planOf(configured, source)
      const run = onStack(configured, plan)
      const inputs = await run.clock.time('images', () => inputsOf(run, source, plan))
      const result = (await earlier(run, plan, inputs)) ?? (await buildNow(run, source, { plan, inputs }))
      return { stack: run.request.stack, ...result, ...(appJson && { appJson }) }
    } catch (error) {
      if (timeLimit.aborted && !signal.aborted) throw tookTooLong(timeoutSeconds, error)
      throw error
    }
  }
}

type Asked = Told & { deps: PipelineDeps; request: BuildRequest; signal: AbortSignal }
type Run = Told & { deps: PipelineDeps & { toolbox: BuildTools }; request: BuildRequest; signal: AbortSignal }
type Built = Omit<BuildResult, 'stack' | 'appJson'> & { stack?: string }

function appJsonOf({ files }: SourceFacts): AppManifest | undefined {
  const text = files['app.json']
  return text === undefined ? undefined : parseAppJson(text)
}

async function configure(run: Asked, appJson: AppManifest): Promise<Asked> {
  const asked = { ...run.request, ...(await run.request.configure?.(appJson, run.signal)) }
  run.output.hide(asked.config)
  return { ...run, request: asked }
}

/** @throws build_failed, procfile_invalid */
function planOf({ deps, request }: Asked, source: SourceFacts): BuildPlan {
  if (isDockerfileBuild(source, request.buildpacks)) return { kind: 'dockerfile' }
  parseProcfileOf(source.files.Procfile)
  const asked = candidates(request.buildpacks ?? [], source.files['.buildpacks'], deps.packPolicy)
  return { kind: 'packs', ...asked, toolchains: toolchainsFor(asked, source.root) }
}

/** A Dockerfile names the stack that it begins with, of those that there are names for. */
function onStack(asked: Asked, plan: BuildPlan): Run {
  const stack = plan.kind === 'dockerfile' ? usualStack : asked.request.stack
  const toolbox = lookedUpOnce(asked.deps.toolboxes(stack))
  return { ...asked, request: { ...asked.request, stack }, deps: { ...asked.deps, toolbox } }
}

/** The images that it is built with are made first, where they are missing. */
function inputsOf({ deps, request, output }: Run, source: SourceFacts, plan: BuildPlan): Promise<string> {
  return buildInputs(deps, request, { source, plan, onProgress: (line) => tellProgress(output, line) })
}

/**
 * What an earlier build made of the same. Where packs come from elsewhere only a sandbox can tell.
 */
async function earlier({ deps, request }: Run, plan: BuildPlan, inputs: string): Promise<Built | undefined> {
  if (packsFromElsewhere(plan).length > 0) return undefined
  const made = await request.findEarlier?.(inputs)
  if (!made) return undefined
  deps.sandboxes.dismiss(request.appId)
  return { ...made, inputs }
}

function buildNow(
  run: Run,
  source: SourceFacts,
  { plan, inputs }: { plan: BuildPlan; inputs: string },
): Promise<Built> {
  const { version = run.request.commit } = run.request
  const files = source.entries === 1 ? '1 file' : `${source.entries} files`
  run.output.topic(`Building ${version.slice(0, 8)}: ${files}, ${mebibytes(source.bytes)}`)
  return plan.kind === 'dockerfile' ? withDockerfile(run, inputs) : withPacks(run, source, { asked: plan, inputs })
}

type Wanted = { asked: PacksPlan; inputs: string }

async function withPacks(run: Run, source: SourceFacts, wanted: Wanted): Promise<Built> {
  const { deps, request, output, clock } = run
  const { asked, inputs } = wanted
  const sandbox = await clock.time('prepare', () => takeSandbox(run, asked, source))
  using making = treeMaking(run, sandbox)
  try {
    const same = await earlierWithPacks(run, sandbox, wanted)
    if (same) return same
    const compiled = await making.beside(runPacks(run, { sandbox, making }, asked, source))
    output.topic('Compressing...')
    const slug = await clock.time('export', () => makeSlug(run, making, compiled))
    output.detail(`Done: ${mebibytes(slug.bytes)}`)
    const processTypes = decideProcessTypes(output, parseProcfileOf(slug.procfile), compiled.defaults)
    const buildpack = compiled.packs.map(({ name }) => name).join(', ')
    const allKnown = compiled.commits.size === packsFromElsewhere(asked).length
    const known = allKnown && { inputs: withCommits(inputs, compiled.commits) }
    return { image: slug.image.digest, processTypes, buildpack, size: slug.bytes, ...known }
  } finally {
    deps.sandboxes.remove(request.appId, sandbox)
  }
}

async function earlierWithPacks(
  { request, signal }: Run,
  sandbox: Sandbox,
  { asked, inputs }: Wanted,
): Promise<Built | undefined> {
  const packs = packsFromElsewhere(asked)
  if (packs.length === 0 || !request.findEarlier) return undefined
  const commits = await currentCommits(sandbox, packs, signal)
  if (!commits) return undefined
  const actual = withCommits(inputs, commits)
  const made = await request.findEarlier(actual)
  return made && { ...made, inputs: actual }
}

function takeSandbox({ deps, request, output, signal }: Run, asked: PacksPlan, source: SourceFacts): Promise<Sandbox> {
  const onProgress = (line: string) => tellProgress(output, line)
  const form = {
    kind: mayHaveTree(asked, source) ? ('tree' as const) : ('packs' as const),
    toolchains: asked.toolchains,
    stack: request.stack,
  }
  return deps.sandboxes.take(request.appId, { ...form, emptyCache: request.noCache, onProgress }, signal)
}

/**
 * Packs from elsewhere know nothing of trees, and what the source has in their place is its own.
 */
function mayHaveTree({ mode, packs, toolchains }: PacksPlan, { root }: SourceFacts): boolean {
  const isOne = mode === 'first' || packs.length === 1
  // Apps of other languages may have a `vendor` that no tree ever lies in.
  const places = ['node_modules', '.paas', ...(toolchains.includes('php') ? ['vendor'] : [])]
  return isOne && packs.every(isOurs) && !places.some((place) => root.has(place))
}

type At = { sandbox: Sandbox; making: TreeMaking }

async function runPacks(run: Run, { sandbox, making }: At, asked: PacksPlan, source: SourceFacts): Promise<Compiled> {
  const { deps, request, output, clock, facts, signal } = run
  const { memoryMiB } = within(deps.build, await deps.engine.machine())
  const mask = createMask(request.config)
  const files = sourceForBuild(await archive(run), source.files['.slugignore'])
  const order = buildOrder(request, asked, files, request.stack)
  const detected = Promise.withResolvers<void>()
  const onReport = (line: string) => (facts.packs = [...(facts.packs ?? []), line])
  const onPart: TreeMaking['part'] = (kept, part) => making.part(kept, part)
  const options = { source, candidates: asked, order, onDetected: detected.resolve, onReport, onPart }
  const compiled = compile({ sandbox, output, mask, memoryMiB }, options, signal)
  await clock.time('detect', () => Promise.race([detected.promise, compiled]))
  return clock.time('compile', () => compiled)
}

async function makeSlug(run: Run, making: TreeMaking, compiled: Compiled) {
  try {
    return await exportBuild(run, making, compiled)
  } finally {
    // The sandbox waits until all it says is taken.
    compiled.slug.tar.destroy()
  }
}

async function exportBuild(run: Run, making: TreeMaking, { packs, tree, spare, slug, whole }: Compiled) {
  const { deps, request, facts } = run
  const names = packs.map(({ pack }) => pack)
  const base = await runImageOf(run, names)
  const rules = { owner: appUser(request.appId), slugBytes: deps.limits.slugBytes }
  const [users, below] = await Promise.all([
    deps.toolbox.usersIn(base),
    tree ? treeBelow(run, making, { tree, packs: names, base }) : { image: base, isNew: false },
  ])
  const layer = { ...rules, base: below.image, users, labels: imageLabels(request, names) }
  const [made] = await Promise.all([exportSlug(deps.engine, slug, layer), whole])
  const forBuilds = tree ?? spare
  if (forBuilds) deps.sandboxes.keepTree(request.appId, request.stack, forBuilds)
  const dependencyBytes = treeBytes(below.image)
  Object.assign(facts, {
    ...(tree && { dependencies: below.isNew ? 'installed' : 'used again', dependencyBytes }),
    slugBytes: made.bytes - dependencyBytes,
    imageBytes: made.image.sizeBytes,
  } satisfies BuildFacts)
  return made
}

/** The image with this tree: one that there is, or a new one. */
async function treeBelow(
  { deps, request, output }: Run,
  making: TreeMaking,
  { base, ...kept }: Parameters<TreeMaking['whole']>[0] & { base: Image },
): Promise<{ image: Image; isNew: boolean }> {
  const { appId } = request
  const known = await deps.trees.newest({ appId, use: 'run', bases: [base] })
  if (known?.id === kept.tree.id) return { image: known.image, isNew: false }
  output.detail('Dependencies, as a layer of their own that later builds use')
  return { image: await making.whole(kept), isNew: true }
}

function treeMaking(run: Run, sandbox: Sandbox): TreeMaking {
  const { deps, request, signal } = run
  return new TreeMaking(async ({ tree, packs }, ready, cancelled) => {
    const rules = { owner: appUser(request.appId), slugBytes: deps.limits.slugBytes }
    const place = { appId: request.appId, base: await runImageOf(run, packs), sandbox: sandbox.id }
    const order = treeOrder(tree, { ...place, ...rules })
    const image = await deps.makeTree(order, { sandbox, ready }, AbortSignal.any([signal, cancelled]))
    // Whatever becomes of the build, the next one begins with what this one has kept.
    deps.trees.remember(request.appId, 'run', image)
    return image
  })
}

function runImageOf({ deps, output }: Run, packs: string[]): Promise<Image> {
  return deps.toolbox.runImage(packs.filter(isOurs), (line) => tellProgress(output, line))
}

async function withDockerfile(run: Run, inputs: string): Promise<Built> {
  const { deps, request, output, clock, facts, signal } = run
  output.topic('Building with the Dockerfile')
  const wanted = {
    appId: request.appId,
    stack: request.stack,
    labels: imageLabels(request, ['dockerfile']),
    noCache: request.noCache,
    source: async () => sourceForBuild(await archive(run)),
    onOutput: (chunk: Buffer) => output.raw(chunk),
    onProgress: (line: string) => tellProgress(output, line),
  }
  const image = await clock.time('compile', () => buildDockerfile(deps, wanted, signal))
  if (image.hasVolumes) output.detail('VOLUME is ignored: files that a dyno writes are lost when it stops')
  facts.imageBytes = image.sizeBytes
  return { image: image.digest, processTypes: { web: null }, buildpack: 'Dockerfile', size: image.sizeBytes, inputs }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)}M`
}

function archive({ deps, request, signal }: Asked): Promise<Readable> {
  return deps.repositories.archive(request.appId, request.commit, signal)
}
