import { parse } from 'yaml'
import type { DynoExit, Sandbox } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import { processTypePattern } from '../model/formation.ts'
import type { ProcessTypes } from '../model/procfile.ts'
import { Answers } from './answers.ts'
import { cleanLine } from './clean-line.ts'
import { undetected, type Candidates, type Pack } from './detect.ts'
import type { Mask } from './mask.ts'
import type { BuildOutput } from './pipeline.ts'
import { appDirectory, cacheDirectory, configDirectory } from './directories.ts'
import { buildProgram } from './toolbox.ts'

const longestReason = 200

type CompileDeps = { sandbox: Sandbox; output: BuildOutput; mask: Mask; memoryMiB: number }

/**
 * Detects which packs build the app and runs them, in one call into the sandbox, since each costs a moment.
 * @param onDetected called once the packs are known, before they run
 * @returns the packs, and the process types the last one declares
 * @throws build_failed with the reason in a few words
 */
export async function compile(
  deps: CompileDeps,
  { mode, packs }: Candidates,
  onDetected: () => void,
  signal: AbortSignal,
): Promise<{ packs: Pack[]; defaults: ProcessTypes }> {
  const answers = new Answers(onDetected)
  const argv = [buildProgram, appDirectory, cacheDirectory, configDirectory, mode, ...packs]
  const onOutput = (chunk: Buffer, stream: 'stdout' | 'stderr') => {
    if (stream === 'stdout') deps.output.raw(chunk)
    else answers.feed(chunk)
  }
  const exit = await deps.sandbox.exec({ argv }, onOutput, signal)
  if (exit.code !== 0) throw explain(deps, answers, exit)
  return { packs: answers.packs, defaults: defaultTypes(answers.release) }
}

function explain({ mask, memoryMiB }: CompileDeps, answers: Answers, { code, outOfMemory }: DynoExit): PaasError {
  if (outOfMemory) {
    return new PaasError('build_failed', `build failed: killed for memory at ${memoryMiB} MB`, {
      hint: 'Make the build need less, for example with fewer parallel jobs, or give builds more: PAAS_BUILD_MEMORY_MIB.',
    })
  }
  if (answers.undetected === undefined && !answers.complete) {
    return new PaasError('internal', `The packs could not be asked for this app: ${buildProgram} exited with ${code}.`)
  }
  if (answers.undetected !== undefined || answers.packs.length === 0) return undetected(answers.undetected)
  const reason = mask.apply(cleanLine(answers.reason)).slice(0, longestReason)
  const message = `build failed: ${reason || `the ${answers.packs.at(-1)?.name} buildpack exited with ${code}`}`
  return new PaasError('build_failed', message, { hint: 'The lines above say why. Correct it and push again.' })
}

/** `default_process_types` of bin/release. What is not of the right shape declares nothing, as on Heroku. */
function defaultTypes(yaml: string): ProcessTypes {
  const answer = parseYaml(yaml)
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
