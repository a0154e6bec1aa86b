import type { Finding } from '../model/finding.ts'

/** Makes findings of one name. */
export function findingsOf(name: string) {
  const of =
    (state: Finding['state']) =>
    (message: string, advice: string | null = null): Finding => ({ name, state, message, advice })
  return { good: of('good'), warning: of('warning'), bad: of('bad'), unknown: of('unknown') }
}

/** The worst of several, or all that are bad in the same way. */
export function worst(findings: Finding[]): Finding[] {
  const order = ['bad', 'warning', 'unknown', 'good'] as const
  const state = order.find((one) => findings.some((finding) => finding.state === one))
  return findings.filter((finding) => finding.state === state)
}
