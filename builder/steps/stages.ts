import { posix } from 'node:path'
import { configure, cut, declare, shellOf, stateFrom, valuesOf, type Directory, type RunConfig } from './config.ts'
import { NotPlain, type Instruction } from './parse.ts'
import { expand } from './words.ts'

export type Step = { original: string } & (
  | { kind: 'configuration' }
  | {
      kind: 'run'
      argv: string[]
      env: Record<string, string>
      user: string
      workingDirectory: string
      mounts: CacheMount[]
      directories: Directory[]
    }
  | Copy
)

export type Copy = {
  kind: 'copy'
  original: string
  /** The stage that the files come from; undefined: the context. */
  from: number | undefined
  sources: string[]
  /** Absolute; with a slash at the end it is a directory. */
  destination: string
  owner: string | undefined
  mode: number | undefined
  directories: Directory[]
}

export type CacheMount = { id: string; target: string; isLocked: boolean }

export type Outline = {
  base: { kind: 'image'; name: string } | { kind: 'stage'; index: number }
  name: string | undefined
  from: string
  instructions: Instruction[]
  globals: Map<string, string>
}

export type Stage = Outline & {
  steps: Step[]
  config: RunConfig
  /** Directories that are to be there at its end. */
  directories: Directory[]
}

type Context = { isDirectory: (path: string) => boolean }

/** The stages as they are written. @throws NotPlain */
export function outline(instructions: Instruction[]): Outline[] {
  const globals = new Map<string, string>()
  const stages: Outline[] = []
  for (const one of instructions) {
    const stage = stages.at(-1)
    if (one.name === 'FROM') stages.push(beginning(one, stages, globals))
    else if (stage) stage.instructions.push(one)
    else if (one.name === 'ARG') declare(globals, one.text, globals, new Map())
    else throw new NotPlain(one.original)
  }
  if (stages.length === 0) throw new NotPlain('no FROM')
  return stages
}

function beginning({ text, flags, original }: Instruction, before: Outline[], globals: Map<string, string>): Outline {
  const [, reference = '', name] = /^(\S+)(?:\s+as\s+([\w.-]+))?$/i.exec(text) ?? []
  if (reference === '' || flags.length > 0) throw new NotPlain(original)
  const image = expand(reference, globals)
  const index = before.findIndex((stage) => stage.name === image.toLowerCase())
  if (index < 0 && (image === '' || image === 'scratch' || /[@$]/.test(image))) throw new NotPlain(original)
  return {
    base: index < 0 ? { kind: 'image', name: image } : { kind: 'stage', index },
    name: name?.toLowerCase(),
    from: original,
    instructions: [],
    globals,
  }
}

/** The stages that the last one needs, in their order. */
export function needed(stages: Outline[]): number[] {
  const wanted = new Set<number>()
  const want = (index: number): void => {
    const stage = stages[index]
    if (!stage || wanted.has(index)) return
    wanted.add(index)
    if (stage.base.kind === 'stage') want(stage.base.index)
    for (const one of stage.instructions) {
      const from = sourceStage(one, stages.slice(0, index))
      if (from !== undefined) want(from)
    }
  }
  want(stages.length - 1)
  return [...wanted].toSorted((a, b) => a - b)
}

/** Which stage `COPY --from` means. @throws NotPlain for an image */
function sourceStage({ name, flags }: Instruction, before: Outline[]): number | undefined {
  const from = flags.find(([flag]) => flag === 'from')?.[1]
  if (name !== 'COPY' || from === undefined) return undefined
  const named = before.findIndex((stage) => stage.name === from.toLowerCase())
  const index = named < 0 && /^\d{1,4}$/.test(from) ? Number(from) : named
  if (index < 0 || index >= before.length) throw new NotPlain(from)
  return index
}

/** What a stage does, step by step. @param config that of what it begins with */
export function plan(index: number, stages: Outline[], config: RunConfig, context: Context): Stage {
  const stage = stages[index]
  if (!stage) throw new Error('no such stage')
  if ((config.OnBuild ?? []).length > 0) throw new NotPlain('ONBUILD')
  const state = stateFrom(config, stage.globals)
  const steps = stage.instructions.map((one): Step => {
    const { original } = one
    const changesFiles = one.name === 'RUN' || one.name === 'COPY' || one.name === 'ADD'
    if (!changesFiles) {
      configure(state, one)
      return { kind: 'configuration', original }
    }
    const directories = state.directories.splice(0)
    const { User: user = '', WorkingDir } = state.config
    const workingDirectory = WorkingDir || '/'
    if (one.name === 'RUN') {
      const argv = one.words ?? [...shellOf(state.config), one.text]
      const env = Object.fromEntries(valuesOf(state))
      return { kind: 'run', original, argv, env, user, workingDirectory, mounts: mountsOf(one), directories }
    }
    const from = sourceStage(one, stages.slice(0, index))
    const copy = copyOf(one, { values: valuesOf(state), workingDirectory })
    if (one.name === 'ADD' && !copy.sources.every((source) => context.isDirectory(source))) throw new NotPlain(original)
    return { ...copy, from, directories }
  })
  return { ...stage, steps, config: state.config, directories: state.directories }
}

/** @throws NotPlain for other mounts than caches */
function mountsOf({ flags, original }: Instruction): CacheMount[] {
  return flags.flatMap(([name, value]) => {
    if (name === 'network' && value === 'default') return []
    const options = new Map(value.split(',').map((option) => cut(option, '=')))
    const target = options.get('target') ?? options.get('dst') ?? ''
    const sharing = options.get('sharing') ?? 'shared'
    const isKnown = [...options.keys()].every((key) => ['type', 'target', 'dst', 'id', 'sharing'].includes(key))
    const isCache = name === 'mount' && options.get('type') === 'cache' && /^\/[^$]+$/.test(target)
    if (!isCache || !isKnown || !['shared', 'locked'].includes(sharing)) throw new NotPlain(original)
    return [{ id: options.get('id') ?? target, target, isLocked: sharing === 'locked' }]
  })
}

function copyOf(
  { text, words, flags, original }: Instruction,
  { values, workingDirectory }: { values: Map<string, string>; workingDirectory: string },
): Omit<Copy, 'from' | 'directories'> {
  const names = (words ?? text.split(/\s+/)).map((word) => expand(word, values))
  const sources = names.slice(0, -1)
  const last = names.at(-1) ?? ''
  const options = new Map(flags)
  const mode = options.get('chmod')
  const isRare = [...options.keys()].some((flag) => !['chown', 'chmod', 'from', 'link'].includes(flag))
  const isUnusual = sources.some((source) => source === '' || /[[\\]/.test(source) || source.includes('://'))
  if (isRare || isUnusual || sources.length === 0 || last === '') throw new NotPlain(original)
  if (mode !== undefined && !/^[0-7]{3,4}$/.test(mode)) throw new NotPlain(original)
  const isDirectory = last.endsWith('/') || /(^|\/)\.$/.test(last)
  if (sources.length > 1 && !isDirectory) throw new NotPlain(original)
  const owner = options.get('chown')
  const path = posix.resolve(workingDirectory, last)
  return {
    kind: 'copy',
    original,
    sources,
    destination: isDirectory && path !== '/' ? `${path}/` : path,
    owner: owner === undefined ? undefined : expand(owner, values),
    mode: mode === undefined ? undefined : Number.parseInt(mode, 8),
  }
}
