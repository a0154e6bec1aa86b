import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { CertificateTrouble } from '../trouble.ts'
import type { RecordSetter } from './setter.ts'

const run = promisify(execFile)

/** Milliseconds that the operator's program may take. */
const patience = 120_000

/** Runs `PROGRAM set|unset NAME TEXT`, which does it and exits with 0. */
export function hookSetter(program: string): RecordSetter {
  const call = async (verb: string, name: string, text: string): Promise<void> => {
    try {
      await run(program, [verb, name, text], { timeout: patience, maxBuffer: 2 ** 20 })
    } catch (cause) {
      throw new CertificateTrouble(
        'authority',
        `The program of PAAS_ACME_DNS_EXEC failed to ${verb} ${name}: ${why(cause)}.`,
      )
    }
  }
  return {
    set: (name, text) => call('set', name, text),
    unset: (name, text) => call('unset', name, text),
  }
}

function why(cause: unknown): string {
  const { stderr = '', code, killed } = cause as { stderr?: string; code?: unknown; killed?: boolean }
  const line = stderr.trim().split('\n').at(-1) ?? ''
  if (line !== '') return line.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 200)
  return killed === true ? `it took longer than ${patience / 1000} s` : `it ended with ${String(code)}`
}
