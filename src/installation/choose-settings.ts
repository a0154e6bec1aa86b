import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { PaasError } from '../errors.ts'

/** What `npm run service` is told; a name that is absent is asked for, or stays as it is. */
export type Given = {
  domain?: string | undefined
  mail?: string | undefined
  directory?: string | undefined
  data?: string | undefined
  /** `NAME=value` */
  set: string[]
  /** Nothing is asked. */
  yes: boolean
}

type Settings = Record<string, string>
type Question = { name: string; text: string; usual: string }

/** Asks somebody at a terminal. An empty answer is the usual one. */
export type Asking = (question: string) => Promise<string>

/**
 * The settings that a service needs: those given, those that the file has, and answers, each asked
 * for once.
 * @param checkout where a server may have run before
 * @throws settings_invalid where something is not known and nobody can be asked
 */
export async function chooseSettings(
  { given, present, checkout }: { given: Given; present: Settings; checkout: string },
  ask: Asking | undefined,
): Promise<Settings> {
  const chosen: Settings = { PAAS_HTTP_PORT: '80', PAAS_HTTPS_PORT: '443', ...present, ...optionsOf(given) }
  for (const question of questions(checkout)) {
    if (chosen[question.name] !== undefined) continue
    chosen[question.name] = await answerTo(question, ask)
  }
  return Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== ''))
}

/** @throws settings_invalid */
function optionsOf({ domain, mail, directory, data, set }: Given): Settings {
  const named = { PAAS_DOMAIN: domain, PAAS_ACME_EMAIL: mail, PAAS_ACME_DIRECTORY: directory, PAAS_DATA: data }
  const others = set.map((text) => {
    const [, name, value = ''] = /^([A-Z_][A-Z0-9_]*)=([^\n\r]*)$/.exec(text) ?? []
    if (name !== undefined) return [name, value] as const
    throw new PaasError('settings_invalid', `--set is given ${JSON.stringify(text)}; it must be NAME=value.`)
  })
  const known = Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
  return Object.fromEntries([...known, ...others])
}

function questions(checkout: string): Question[] {
  const before = join(checkout, 'data')
  const usual = existsSync(join(before, 'paas.json')) ? before : '/var/lib/paas'
  return [
    { name: 'PAAS_DOMAIN', text: 'Domain of the server, such as paas.example.com', usual: '' },
    { name: 'PAAS_ACME_EMAIL', text: 'Mail address for certificates (empty: none are requested)', usual: '' },
    { name: 'PAAS_DATA', text: 'Data directory', usual },
  ]
}

async function answerTo({ name, text, usual }: Question, ask: Asking | undefined): Promise<string> {
  const answer = ask ? (await ask(usual === '' ? `${text}: ` : `${text} [${usual}]: `)).trim() : ''
  if (answer !== '' || usual !== '' || name !== 'PAAS_DOMAIN') return answer || usual
  throw new PaasError('settings_invalid', 'The domain of the server is not known.', {
    hint: 'Give it: sudo npm run service -- --domain paas.example.com',
  })
}

/** undefined where there is no terminal. */
export function askHere({ yes }: Pick<Given, 'yes'>): Asking | undefined {
  if (yes || !process.stdin.isTTY) return undefined
  return async (question) => {
    using lines = createInterface({ input: process.stdin, output: process.stderr })
    return await lines.question(question)
  }
}
