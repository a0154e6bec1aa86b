import { constants } from 'node:os'
import type { Dyno, DynoExit, Engine } from '../engine/engine.ts'
import { dynoSizes, type DynoSize } from '../model/formation.ts'
import type { Boot } from './readiness.ts'

type ExplainDeps = { engine: Pick<Engine, 'listeningSockets'>; boot: { timeoutSeconds: number } }

/** Why a dyno did not come up, in one line that names what was expected and what was found instead. */
export async function explainBoot(deps: ExplainDeps, failure: Exclude<Boot, { kind: 'ready' }>): Promise<string> {
  switch (failure.kind) {
    case 'gone':
      return 'the dyno was removed while it started'
    case 'exited':
      return `${failure.dyno.name} ${explainExit(failure.exit, failure.dyno.size)}`
    case 'timeout':
      return explainSilence(deps, failure.dyno)
  }
}

/** `exited with 127: command not found`, `was killed for memory at 512 MB`, … */
export function explainExit(exit: DynoExit | undefined, size: string): string {
  if (!exit) return 'exited while it started'
  if (exit.outOfMemory) return `was killed for memory at ${memoryOf(size)} MB`
  const meaning = meaningOf(exit.code)
  return `exited with ${exit.code}${meaning ? `: ${meaning}` : ''}`
}

/** Shells report a signal as 128 + its number, and two codes of their own (POSIX, Shell Command Language 2.8.2). */
function meaningOf(code: number): string | undefined {
  if (code === 0) return 'it ended by itself'
  if (code === 126) return 'the command cannot be executed'
  if (code === 127) return 'command not found'
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)
  return signal && `killed by ${signal[0]}`
}

async function explainSilence({ engine, boot }: ExplainDeps, dyno: Dyno): Promise<string> {
  const expected = `nothing listens on $PORT (${dyno.port})`
  const sockets = await engine.listeningSockets(dyno.id).catch(() => [])
  const own = sockets.find(({ port }) => port === dyno.port) ?? sockets[0]
  if (!own) return `${expected} after ${boot.timeoutSeconds} s`
  const where = `${own.address.includes(':') ? `[${own.address}]` : own.address}:${own.port}`
  if (own.port === dyno.port) return `the process listens on ${where} only; it must listen on 0.0.0.0:$PORT`
  return `${expected}; the process listens on ${where}`
}

function memoryOf(size: string): number {
  return dynoSizes[size as DynoSize]?.memory ?? dynoSizes.basic.memory
}
