import { readFileSync, existsSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { layOut } from './image.ts'
import { baseStores, findImage, type BaseImage } from './images.ts'
import { removeIgnored } from './ignore.ts'
import { Layers } from './layers.ts'
import { NotPlain, parse } from './parse.ts'
import { statOf } from './paths.ts'
import { buildStage, rememberUsed, type Files, type Place } from './stage-builder.ts'
import { needed, outline, plan, type Outline, type Stage } from './stages.ts'

/**
 * `main.ts CACHE JOBS`: builds the Dockerfile in the working directory when it says what
 * Dockerfiles mostly say, and lays the image out in /tmp/layout. Exits with 64 when it is for the
 * general builder, then nothing was done; with 1 when it failed, and the reason on standard error.
 */
const [cache = '', jobs = '1'] = process.argv.slice(2)
const context = process.cwd()
const stores = [`${cache}/images`, ...baseStores('/bases')]

async function build(): Promise<void> {
  const outlines = outline(parse(readFileSync('Dockerfile', 'utf8')))
  const wanted = needed(outlines)
  const images = new Map(wanted.flatMap((index) => imageOf(outlines[index])))
  const stages = planAll(outlines, wanted, images)
  if (existsSync('.dockerignore')) removeIgnored(context, readFileSync('.dockerignore', 'utf8'))
  const layers = new Layers(`${cache}/layers`)
  const results = buildAll(stages, images, layers)
  await Promise.all(results.values())
  const last = await results.get(outlines.length - 1)
  if (!last) throw new Error('no stage')
  await layOut(
    last,
    layers,
    '/tmp/layout',
    readLines('/tmp/shared').map((line) => line.split(' ')),
  )
  rememberUsed(layers, '/tmp')
}

function imageOf(outline: Outline | undefined): [string, BaseImage][] {
  if (outline?.base.kind !== 'image') return []
  const { name } = outline.base
  // What else may stand there leads elsewhere than to a registry (containers-transports(5)).
  if (!/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)*(:[\w.-]+)?$/.test(name)) throw new NotPlain(name)
  const image = findImage(name, stores) ?? fetched(name)
  if (!image) throw new NotPlain(name)
  return [[name, image]]
}

function fetched(name: string): BaseImage | undefined {
  const options = ['--quiet', '--policy', 'missing', '--retry', '0', '--signature-policy', '/tmp/policy.json']
  const { status } = spawnSync('buildah', ['pull', ...options, name], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) process.exit(1)
  return findImage(name, stores)
}

/** Nothing is done before all of it is known to be plain. */
function planAll(outlines: Outline[], wanted: number[], images: Map<string, BaseImage>): Map<number, Stage> {
  const stages = new Map<number, Stage>()
  const isDirectory = (path: string) => statOf(join(context, path))?.isDirectory() === true
  for (const index of wanted) {
    const base = outlines[index]?.base
    const config = base?.kind === 'stage' ? stages.get(base.index)?.config : images.get(base?.name ?? '')?.config
    stages.set(index, plan(index, outlines, config ?? {}, { isDirectory }))
  }
  return stages
}

function buildAll(stages: Map<number, Stage>, images: Map<string, BaseImage>, layers: Layers) {
  const results = new Map<number, Promise<Files>>()
  const slots = new Slots(Number(jobs))
  for (const [index, stage] of stages) {
    const prefix = stages.size > 1 ? `[${index + 1}/${stages.size}] ` : ''
    const place: Place = {
      layers,
      context,
      mounts: `${cache}/mounts`,
      enter: join(import.meta.dirname, '../enter'),
      stages: results,
      say: (line) => process.stdout.write(`${prefix}${line}\n`),
    }
    const needs = [...results].filter(([other]) => needsOf(stage).has(other)).map(([, files]) => files)
    const result = Promise.all(needs).then(() =>
      slots.use(async () => buildStage(stage, await beginning(stage), place)),
    )
    result.catch(() => undefined)
    results.set(index, result)
  }
  return results

  async function beginning({ base }: Stage): Promise<Files> {
    const before = base.kind === 'stage' ? await results.get(base.index) : undefined
    if (before) return before
    const image = images.get(base.kind === 'image' ? base.name : '')
    if (!image) throw new Error('no image')
    return { base: image, layers: [], key: image.id, config: image.config, history: image.history }
  }
}

function needsOf({ base, steps }: Stage): Set<number> {
  const copied = steps.flatMap((step) => (step.kind === 'copy' && step.from !== undefined ? [step.from] : []))
  return new Set(base.kind === 'stage' ? [base.index, ...copied] : copied)
}

/** So many at once. */
class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(free: number) {
    this.#free = free
  }

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((settle) => this.#waiting.push(settle))
    else this.#free -= 1
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free += 1
    }
  }
}

function readLines(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').filter(Boolean)
}

try {
  await build()
} catch (error) {
  if (error instanceof NotPlain) process.exit(64)
  process.stderr.write(`Error: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
