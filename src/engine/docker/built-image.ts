import { PaasError } from '../../errors.ts'
import type { Labels } from '../engine.ts'

/**
 * What an image may say of how it runs (OCI image configuration, "properties"; Docker's HEALTHCHECK
 * and SHELL), but for labels.
 */
const kept = ['Cmd', 'Entrypoint', 'Env', 'ExposedPorts', 'Healthcheck', 'Shell', 'StopSignal', 'User', 'WorkingDir']

/** As many as an overlay of the engine takes. */
const mostLayers = 125

type Layer = { blob: string; diffId: string }

/** An image as its builder describes it. */
export type BuiltImage = {
  /** JSON of the configuration that it gets. */
  config: string
  layers: Layer[]
  /** How many of them, from the first on, the engine has. */
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
  const own = Object.entries((run['Labels'] ?? {}) as Labels).filter(([name]) => !name.startsWith('paas.'))
  const description = {
    architecture: rest['architecture'],
    ...(rest['variant'] === undefined ? {} : { variant: rest['variant'] }),
    os: 'linux',
    created: new Date().toISOString(),
    config: {
      ...Object.fromEntries(kept.filter((key) => key in run).map((key) => [key, run[key]])),
      Labels: { ...Object.fromEntries(own), ...labels },
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: rest['history'] ?? [],
  }
  return {
    config: JSON.stringify(description),
    layers,
    shared: Math.max(0, ...shared.map((ids) => sharedWith(layers, ids))),
    hasVolumes: Object.keys((run['Volumes'] ?? {}) as object).length > 0,
  }
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

/** A layer is the same only above the same ones. */
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
    // Told below.
  }
  throw notAnImage()
}

/** Nobody gets here but by tampering with the builder in one's own build. */
export function notAnImage(cause?: unknown): PaasError {
  return new PaasError('build_failed', 'The Dockerfile build did not produce a complete image.', { cause })
}
