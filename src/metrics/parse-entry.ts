import type { RequestFigures, DynoFigures, FigureEntry } from '../model/figures.ts'
import { isAmount, isStoredHistogram } from './histogram.ts'

/** @returns undefined for what is no line of ours */
export function parseEntry(line: string): FigureEntry | undefined {
  const value = parse(line)
  const { minute, requests, dynos } = (value ?? {}) as Record<string, unknown>
  if (!isAmount(minute)) return undefined
  if (isRequestFigures(requests)) return { minute, requests }
  return isDynoFigures(dynos) ? { minute, dynos } : undefined
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined // torn by a power cut, or not ours: the caller leaves it out
  }
}

function isRequestFigures(value: unknown): value is RequestFigures {
  const { statuses, codes, bytes, latency } = (value ?? {}) as Partial<RequestFigures>
  if (!Array.isArray(statuses) || statuses.length !== 5 || !statuses.every(isAmount)) return false
  if (typeof codes !== 'object' || codes === null || Array.isArray(codes)) return false
  const known = Object.entries(codes).every(([code, count]) => /^H\d\d$/.test(code) && isAmount(count))
  return known && isAmount(bytes) && isStoredHistogram(latency)
}

function isDynoFigures(value: unknown): value is DynoFigures {
  const { count, memory, largest, cpu } = (value ?? {}) as Partial<DynoFigures>
  return [count, memory, largest].every(isAmount) && (cpu === null || isAmount(cpu))
}
