import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { list as pairs, note, print, progress } from '../output.ts'
import type { HttpsJson } from '../resources/edge.ts'
import { connectToApp } from '../session.ts'

const usual = 'on where a certificate came by itself (default)'

export function defineHttps(program: Command): void {
  defineForApp(program, {
    name: 'https',
    summary: 'show whether visitors are sent to HTTPS',
    examples: ['paas https -a acme'],
  }).action(show)

  defineForApp(program, {
    name: 'https:redirect',
    arguments: '<on|off|default>',
    summary: 'send visitors to HTTPS, or do not',
    details: 'By default they are sent there where the server got the certificate by itself, which browsers trust.',
    examples: ['paas https:redirect on', 'paas https:redirect default -a acme'],
  }).action(redirect)

  defineForApp(program, {
    name: 'https:hsts',
    arguments: '<seconds|off|default>',
    summary: 'set how long browsers use HTTPS only',
    details:
      'The header Strict-Transport-Security of answers over HTTPS, unless the app sends its own. By default 30 days, where ' +
      'the server got the certificate by itself. `off` has browsers forget it.',
    examples: ['paas https:hsts 31536000', 'paas https:hsts off -a acme'],
  }).action(hsts)
}

async function show(options: AppOptions): Promise<void> {
  const { api, path } = await connectToApp(options)
  print(options, await api.get<HttpsJson>(`${path}/https`), describe)
}

async function redirect(text: string, options: AppOptions): Promise<void> {
  const values: Record<string, boolean | null> = { on: true, off: false, default: null }
  if (!Object.hasOwn(values, text)) throw unusable('on, off or default')
  await set({ redirect: values[text] ?? null }, options)
}

async function hsts(text: string, options: AppOptions): Promise<void> {
  if (text !== 'off' && text !== 'default' && !/^\d{1,8}$/.test(text)) {
    throw unusable('seconds, such as 31536000 for a year, off or default')
  }
  await set({ hsts: text === 'default' ? null : text === 'off' ? 0 : Number(text) }, options)
}

async function set(change: Partial<HttpsJson>, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const before = await api.get<HttpsJson>(`${path}/https`)
  const changed = await progress(`Changing HTTPS of ${app}`, api.patch<HttpsJson>(`${path}/https`, change))
  note(`Undo with: ${undo(before, change)} -a ${app}`)
  print(options, changed, describe)
}

function undo({ redirect: before, hsts: seconds }: HttpsJson, change: Partial<HttpsJson>): string {
  if ('redirect' in change) return `paas https:redirect ${before === null ? 'default' : before ? 'on' : 'off'}`
  return `paas https:hsts ${seconds === null ? 'default' : seconds === 0 ? 'off' : seconds}`
}

function describe(shown: HttpsJson): string[] {
  return pairs([
    ['Redirect', shown.redirect === null ? usual : shown.redirect ? 'on' : 'off'],
    ['HSTS', shown.hsts === null ? usual : shown.hsts === 0 ? 'off' : `${shown.hsts} seconds`],
  ])
}

function unusable(wanted: string): PaasError {
  return new PaasError('usage', `It must be ${wanted}.`)
}
