import { parse } from 'yaml'
import type { Sandbox } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import { processTypePattern } from '../model/formation.ts'
import type { ProcessTypes } from '../model/procfile.ts'
import { cleanLine } from './clean-line.ts'
import type { Pack } from './detect.ts'
import type { Mask } from './mask.ts'
import type { BuildOutput } from './pipeline.ts'
import { appDirectory } from './tenant.ts'
import { programs } from './toolbox.ts'

/** Mount points in a build: what is kept between an app's builds, and one file per config var. */
export const cacheDirectory = '/cache'
export const configDirectory = '/env'

/** What a pack may answer besides its output, in bytes. */
const mostBytes = 64 * 1024
const longestReason = 200

type CompileDeps = { sandbox: Sandbox; output: BuildOutput; mask: Mask; memoryMiB: number }

/**
 * Runs the packs in order. Gives the process types the last one declares.
 * @throws build_failed with the reason in a few words
 */
export async function compile(
  { sandbox, output, mask, memoryMiB }: CompileDeps,
  packs: Pack[],
  signal: AbortSignal,
): Promise<ProcessTypes> {
  const answer: Buffer[] = []
  const argv = [programs.compile, appDirectory, cacheDirectory, configDirectory, ...packs.map(({ pack }) => pack)]
  const onOutput = (chunk: Buffer, stream: 'stdout' | 'stderr') => {
    if (stream === 'stdout') output.raw(chunk)
    else answer.push(chunk)
  }
  const exit = await sandbox.exec({ argv }, onOutput, signal)
  const text = Buffer.concat(answer).subarray(0, mostBytes).toString()
  if (exit.code === 0) return defaultTypes(text)
  if (exit.outOfMemory) throw killedForMemory(memoryMiB)
  const reason = mask.apply(cleanLine(text.split('\n')[0] ?? '')).slice(0, longestReason)
  throw buildFailed(reason || `the ${packs.at(-1)?.name} buildpack exited with ${exit.code}`)
}

/** `default_process_types` of bin/release. What is not of the right shape declares nothing, as on Heroku. */
function defaultTypes(yaml: string): ProcessTypes {
  const answer: unknown = parseYaml(yaml)
  const types = isRecord(answer) ? answer['default_process_types'] : undefined
  if (!isRecord(types)) return {}
  const valid = Object.entries(types).filter(
    (entry): entry is [string, string] => processTypePattern.test(entry[0]) && typeof entry[1] === 'string',
  )
  return Object.fromEntries(valid)
}

function parseYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 })
  } catch (cause) {
    throw new PaasError('build_failed', "build failed: the buildpack's bin/release did not give YAML", { cause })
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function killedForMemory(memoryMiB: number): PaasError {
  return new PaasError('build_failed', `build failed: killed for memory at ${memoryMiB} MB`, {
    hint: 'Make the build need less, for example with fewer parallel jobs, or give builds more: PAAS_BUILD_MEMORY_MIB.',
  })
}

function buildFailed(reason: string): PaasError {
  return new PaasError('build_failed', `build failed: ${reason}`, {
    hint: 'The lines above say why. Correct it and push again.',
  })
}
