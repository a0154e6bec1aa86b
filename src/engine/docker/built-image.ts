import { PaasError } from '../../errors.ts'
import type { Labels } from '../engine.ts'

type Check = (value: unknown) => boolean
const isText: Check = (value) => typeof value === 'string'
const areWords: Check = (value) => Array.isArray(value) && value.every(isText)
const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const isCheck: Check = (value) =>
  isObject(value) &&
  Object.entries(value as object).every(([key, part]) =>
    key === 'Test' ? areWords(part) : times.includes(key) && Number.isSafeInteger(part),
  )
const times = ['Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries']

/**
 * What an image may set for its containers (OCI image configuration, "properties"; Docker's
 * HEALTHCHECK and SHELL), without labels. Other shapes are refused: an engine that stores them
 * unchecked fails every time it reads the image.
 */
const kept: Record<string, Check> = {
  Cmd: areWords,
  Entrypoint: areWords,
  Env: areWords,
  ExposedPorts: (value) => isObject(value) && Object.values(value as object).every(isObject),
  Healthcheck: isCheck,
  Shell: areWords,
  StopSignal: isText,
  User: isText,
  WorkingDir: isText,
}

/** The most layers that the engine's overlay takes. */
const mostLayers = 125

type Layer = { blob: string; diffId: string }

/** An image as its builder describes it. */
export type BuiltImage = {
  /** JSON of the image's configuration. */
  config: string
  layers: Layer[]
  /** How many of the layers, counted from the first, the engine has. */
  shared: number
  hasVolumes: boolean
}

type Configuration = { config?: Record<string, unknown>; rootfs?: { diff_ids?: unknown } } & Record<string, unknown>

/**
 * Reads a manifest and a configuration that strangers may have forged. VOLUME is left out: a dyno's
 * files go with it, volumes would outlive it and be counted nowhere; ONBUILD too, since nobody
 * builds on it. Labels in the name of paas are ours to give.
 * @throws build_failed
 */
export function builtImage(
  manifest: string,
  config: string,
  { shared, labels }: { shared: string[][]; labels: Labels },
): BuiltImage {
  const { config: run = {}, rootfs, ...rest } = parse<Configuration>(config)
  const layers = layersOf(parse(manifest), rootfs?.diff_ids)
  if (isEmpty(run['Cmd']) && isEmpty(run['Entrypoint'])) {
    throw new PaasError('build_failed', 'The Dockerfile sets neither CMD nor ENTRYPOINT, so there is nothing to run.')
  }
  const own = Object.entries((run['Labels'] ?? {}) as object).filter(([name]) => !name.startsWith('paas.'))
  const { architecture, variant, history = [] } = rest
  if (![architecture, variant ?? '', ...own.map(([, value]) => value as unknown)].every(isText)) throw notAnImage()
  const description = {
    architecture,
    ...(variant === undefined ? {} : { variant }),
    os: 'linux',
    created: new Date().toISOString(),
    config: { ...runConfig(run), Labels: { ...Object.fromEntries(own), ...labels } },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: stepsOf(history),
  }
  return {
    config: JSON.stringify(description),
    layers,
    shared: Math.max(0, ...shared.map((ids) => sharedWith(layers, ids))),
    hasVolumes: Object.keys((run['Volumes'] ?? {}) as object).length > 0,
  }
}

function runConfig(run: Record<string, unknown>): Record<string, unknown> {
  const said = Object.entries(kept).filter(([key]) => run[key] !== undefined && run[key] !== null)
  if (!said.every(([key, isValid]) => isValid(run[key]))) throw notAnImage()
  return Object.fromEntries(said.map(([key]) => [key, run[key]]))
}

/** The lines of the Dockerfile, without times. */
function stepsOf(history: unknown): object[] {
  if (!Array.isArray(history)) throw notAnImage()
  return history.map((step: Record<string, unknown> | null) => ({
    ...(typeof step?.['created_by'] === 'string' ? { created_by: step['created_by'] } : {}),
    empty_layer: step?.['empty_layer'] === true,
  }))
}

function layersOf({ layers }: { layers?: { digest?: unknown }[] }, diffIds: unknown): Layer[] {
  if (!Array.isArray(layers) || !Array.isArray(diffIds) || layers.length !== diffIds.length) throw notAnImage()
  if (layers.length > mostLayers) {
    throw new PaasError('build_failed', `The image has ${layers.length} layers; the limit is ${mostLayers}.`, {
      hint: 'Combine RUN or COPY lines, or use several stages: COPY --from makes one layer.',
    })
  }
  const pairs = layers.map(({ digest }, index) => ({ blob: hexOf(digest), diffId: `sha256:${hexOf(diffIds[index])}` }))
  const known = new Map(pairs.map(({ blob, diffId }) => [blob, diffId]))
  if (pairs.some(({ blob, diffId }) => known.get(blob) !== diffId)) throw notAnImage()
  return pairs
}

/** A layer is shared only if all layers below it are. */
function sharedWith(layers: Layer[], ids: string[]): number {
  return ids.every((id, index) => id === layers[index]?.diffId) ? ids.length : 0
}

function hexOf(digest: unknown): string {
  const hex = typeof digest === 'string' ? /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1] : undefined
  if (hex === undefined) throw notAnImage()
  return hex
}

function isEmpty(words: unknown): boolean {
  return !Array.isArray(words) || words.length === 0
}

function parse<T>(text: string): T {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as T
  } catch {
    // reported below
  }
  throw notAnImage()
}

/** Reached only by tampering with the builder in one's own build. */
export function notAnImage(cause?: unknown): PaasError {
  return new PaasError('build_failed', 'The Dockerfile build did not produce a complete image.', { cause })
}
