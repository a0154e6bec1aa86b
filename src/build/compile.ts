import type { Readable } from 'node:stream'
import type { Sandbox } from '../engine/engine.ts'
import type { DynoExit } from '../model/dyno-exit.ts'
import { PaasError } from '../errors.ts'
import type { ProcessTypes } from '../model/procfile.ts'
import { Answers } from './answers.ts'
import { cleanLine } from '../model/clean-line.ts'
import { PackClues } from './pack-clues.ts'
import { isOurs, packLike } from './packs.ts'
import { unusable, type Candidates, type NamedPack } from './detect.ts'
import { undetected, type Undetected } from './no-pack.ts'
import { defaultTypes } from './default-types.ts'
import type { Mask } from '../output/mask.ts'
import type { Narrator } from '../model/narrator.ts'
import { buildProgram } from './toolbox.ts'
import type { KeptTree, Tree } from './trees.ts'

/** 128 + SIGKILL, as a shell has it. */
const killed = 137
/** Characters of what packs say that are kept. */
const longest = { reason: 200, name: 60, report: 200 }

type CompileDeps = { sandbox: Pick<Sandbox, 'run'>; output: Narrator; mask: Mask; memoryMiB: number }
type CompileOptions = {
  source: Undetected
  candidates: Candidates
  order: Parameters<Sandbox['run']>[0]
  /** Called once the first pack is known, before it runs. */
  onDetected: () => void
  /** Called with each line of what packs say of their work. */
  onReport: (line: string) => void
  /** Called when a part of a tree is there, while packs go on. */
  onPart: (kept: { tree: KeptTree; packs: string[] }, part: number) => void
}

/** What a build made. */
export type Compiled = {
  packs: NamedPack[]
  /** Of those from elsewhere, as far as they have one. */
  commits: ReadonlyMap<string, string>
  /** The process types the last pack declares. */
  defaults: ProcessTypes
  /** The part of the build directory that is layers of its own; the sandbox has a tar of it. */
  tree: KeptTree | undefined
  /** Likewise one that nothing of the app needs where it runs: later builds begin with it. */
  spare: Tree | undefined
  /** A tar of the build directory, as the sandbox gives it, and its most bytes if it knows. */
  slug: { tar: Readable; mostBytes: number | undefined }
  /** Rejects when that is not all there was. */
  whole: Promise<void>
}

/**
 * Detects which packs build the app, runs them and takes what they made, all in one command, since
 * each one more costs a moment.
 * @throws build_failed with the reason in a few words
 */
export async function compile(
  deps: CompileDeps,
  { source, candidates, order, onDetected, onReport, onPart }: CompileOptions,
  signal: AbortSignal,
): Promise<Compiled> {
  const done = Promise.withResolvers<void>()
  const reported = (line: string) => onReport(shortened(deps.mask, line, longest.report))
  const part = (tree: KeptTree, number: number) => {
    onPart({ tree, packs: answers.packs.map(({ pack }) => pack) }, number)
  }
  const events = { compiling: onDetected, reported, part, done: done.resolve }
  const answers = new Answers(candidates.packs, events)
  const clues = new PackClues()
  const onOutput = (chunk: Buffer, stream: 'stdout' | 'stderr') => {
    if (stream === 'stderr') return answers.feed(chunk)
    clues.feed(chunk)
    return deps.output.raw(chunk)
  }
  const running = deps.sandbox.run(order, onOutput, signal)
  running.then(
    () => answers.end(),
    (error: Error) => answers.end(error),
  )
  const ended = await Promise.race([done.promise, running])
  if (ended) throw explain(deps, answers, { ...(await ended.exit()), clues }, source)
  const packs = answers.packs.map((pack) => shown(deps, pack))
  const { commits, tree, spare } = answers
  const slug = { tar: answers.slug, mostBytes: answers.slugBytes }
  const defaults = await defaultTypes(answers.release)
  return { packs, commits, defaults, tree, spare, slug, whole: isWhole(deps, running) }
}

function isWhole(deps: CompileDeps, running: ReturnType<Sandbox['run']>): Promise<void> {
  const whole = running.then(async ({ exit }) => {
    const how = await exit()
    if (how.code !== 0) throw notTaken(deps, how)
  })
  // The reader of the slug may fail first.
  whole.catch(() => undefined)
  return whole
}

/** The packs were done. */
function notTaken({ memoryMiB }: CompileDeps, { code, outOfMemory }: DynoExit): PaasError {
  if (outOfMemory) return ranOutOfMemory(memoryMiB)
  return new PaasError('build_failed', `build failed: the build result could not be read (exit code ${code})`, {
    hint: 'The lines above may say why. Push again.',
  })
}

export function ranOutOfMemory(memoryMiB: number): PaasError {
  return new PaasError('build_failed', `build failed: killed for memory at ${memoryMiB} MB`, {
    hint: 'Reduce the memory of the build, for example with fewer parallel jobs, or raise PAAS_BUILD_MEMORY_MIB.',
  })
}

/** What to do about a pack that is made for a stack of Heroku's. */
function madeForHeroku({ stack }: Answers): string | undefined {
  if (!stack || !/^heroku-\d\d$/.test(stack.text)) return undefined
  const ours = packLike(stack.pack)
  const instead = ours ? ` Or take the buildpack of paas: paas buildpacks:set ${ours}` : ''
  return `This buildpack is made for Heroku's stacks, whose programs mostly run here. Try: paas config:set STACK=${stack.text}.${instead}`
}

/** By somebody else than the kernel at the build's own limit. */
function wasKilled(): PaasError {
  return new PaasError('build_failed', `build failed: it was killed (exit code ${killed})`, {
    hint: 'Mostly because the machine had no memory left. Push again when less runs on it, or lower the memory of the build.',
  })
}

function foundNoRoom(): PaasError {
  return new PaasError('build_failed', 'build failed: a program of it found no space left on the disk', {
    hint: 'An empty build cache may help: git push -o no-cache. Else ask the operator of the server to free some space.',
  })
}

function explain(
  deps: CompileDeps,
  answers: Answers,
  { code, outOfMemory, clues }: DynoExit & { clues: PackClues },
  source: Undetected,
): PaasError {
  const { mask, memoryMiB } = deps
  if (outOfMemory) return ranOutOfMemory(memoryMiB)
  if (answers.unusable && !answers.complete) {
    const { pack, text } = answers.unusable
    return unusable(pack, shortened(mask, text))
  }
  if (answers.undetected === undefined && !answers.complete) {
    return new PaasError('internal', `Buildpack detection failed: ${buildProgram} exited with ${code}.`)
  }
  if (answers.undetected !== undefined || answers.packs.length === 0)
    return undetected(answers.undetected || undefined, source, madeForHeroku(answers))
  if (code === killed) return wasKilled()
  if (clues.foundDiskFull) return foundNoRoom()
  const reason = shortened(mask, answers.failed?.text ?? '')
  const failed = answers.packs.findLast(({ pack }) => !answers.failed || pack === answers.failed.pack)
  const message = `build failed: ${reason || `the ${failed && shown(deps, failed).name} buildpack exited with ${code}`}`
  // Ours explain themselves.
  const clue = failed && !isOurs(failed.pack) ? clues.hint({ code }) : undefined
  const hint = clue ?? madeForHeroku(answers) ?? 'The lines above say why. Correct it and push again.'
  return new PaasError('build_failed', message, { hint })
}

function shortened(mask: Mask, text: string, most = longest.reason): string {
  return mask.apply(cleanLine(text)).slice(0, most)
}

/** A stranger's pack says what it likes. */
function shown({ mask }: Pick<CompileDeps, 'mask'>, { pack, name }: NamedPack): NamedPack {
  return { pack, name: shortened(mask, name, longest.name) }
}
