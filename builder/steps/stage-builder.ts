import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunConfig } from './config.ts'
import { contentOf, copy } from './copy.ts'
import type { BaseImage } from './images.ts'
import { Layers } from './layers.ts'
import { makeDirectory, ownerOf } from './paths.ts'
import { run } from './run.ts'
import type { Stage, Step } from './stages.ts'

/** What a stage begins with, or has come to. */
export type Files = {
  base: BaseImage
  /** Of the steps, from the lowest up; those that changed nothing are left out. */
  layers: string[]
  /** Tells these files from all others. */
  key: string
  config: RunConfig
  history: object[]
}

export type Place = {
  layers: Layers
  context: string
  mounts: string
  enter: string
  stages: Map<number, Promise<Files>>
  /** Tells people what is done. */
  say: (line: string) => void
}

/** What went wrong at a step, told in the general builder's way. */
class StepFailure extends Error {
  constructor(original: string, cause: unknown) {
    super(`building at STEP "${original}": ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

type Doing = { key: string; work: (root: string) => Promise<void> | void }

/** Does a stage step by step; steps that were done before are found. @throws StepFailure */
export async function buildStage(stage: Stage, begun: Files, place: Place): Promise<Files> {
  let files = begun
  const total = stage.steps.length + 1
  place.say(`STEP 1/${total}: ${stage.from}`)
  for (const [index, step] of stage.steps.entries()) {
    place.say(`STEP ${index + 2}/${total}: ${step.original}`)
    try {
      const doing = await whatToDo(step, files, place)
      files = doing ? await take(files, step.original, doing, place) : remembered(files, step.original, true)
    } catch (error) {
      throw new StepFailure(step.original, error)
    }
  }
  if (stage.directories.length > 0) {
    const key = Layers.key([files.key, 'directories', stage.directories])
    files = await take(files, 'WORKDIR', { key, work: (root) => makeDirectories(root, stage.directories) }, place)
  }
  return { ...files, config: stage.config }
}

async function whatToDo(step: Step, { key }: Files, place: Place): Promise<Doing | undefined> {
  if (step.kind === 'configuration') return undefined
  const { original: _, ...decisive } = step
  if (step.kind === 'run') {
    const work = async (root: string): Promise<void> => {
      makeDirectories(root, step.directories)
      await run(step, { root, mounts: place.mounts, enter: place.enter })
    }
    return { key: Layers.key([key, decisive]), work }
  }
  if (step.from === undefined) {
    const content = contentOf(place.context, step.sources)
    const work = (root: string): void => {
      makeDirectories(root, step.directories)
      copy(step, { from: place.context, root })
    }
    return { key: Layers.key([key, decisive, content]), work }
  }
  const source = await place.stages.get(step.from)
  if (!source) throw new Error('no such stage')
  const work = (root: string) =>
    place.layers.read(lowerOf(source, place.layers), async (from) => {
      makeDirectories(root, step.directories)
      copy(step, { from, root })
    })
  return { key: Layers.key([key, decisive, source.key]), work }
}

async function take(files: Files, original: string, { key, work }: Doing, { layers, say }: Place): Promise<Files> {
  if (layers.has(key)) say(`--> Using cache ${key}`)
  else await layers.change(key, lowerOf(files, layers), async (root) => work(root))
  const isEmpty = layers.isEmpty(key)
  const kept = isEmpty ? files.layers : [...files.layers, key]
  return { ...remembered(files, original, isEmpty), layers: kept, key }
}

function remembered(files: Files, original: string, isEmpty: boolean): Files {
  const entry = { created: new Date().toISOString(), created_by: original, ...(isEmpty && { empty_layer: true }) }
  return { ...files, history: [...files.history, entry] }
}

function lowerOf({ base, layers: own }: Files, layers: Layers): string[] {
  return [...base.layers.map(({ directory }) => layers.link(directory)), ...own]
}

function makeDirectories(root: string, directories: Stage['directories']): void {
  for (const { path, user } of directories) makeDirectory(root, path, ownerOf(root, user))
}

/** For who removes the layers that are not used. */
export function rememberUsed({ used }: Layers, directory: string): void {
  writeFileSync(join(directory, 'used'), [...used, ''].join('\n'))
}
