import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import type { Client } from '../client.ts'
import { define, type Options } from '../command.ts'
import { list, note, print } from '../output.ts'
import { Prompt } from '../prompt.ts'
import type { AccountJson, NewTwoFactorJson, TwoFactorJson } from '../resources/accounts.ts'
import { connect } from '../session.ts'
import { askCode, withCode } from '../two-factor-code.ts'

export function defineTwoFactor(program: Command): void {
  define(program, {
    name: '2fa',
    summary: 'show whether logins need a second factor',
    examples: ['paas 2fa'],
  }).action(show)

  define(program, {
    name: '2fa:enable',
    summary: 'require a code of your phone at each login',
    details:
      'Shows a QR code for an authenticator app, asks for your password and a first code of the app, and prints ten recovery codes for the day ' +
      'when the phone is lost. From then on paas login, heroku login and the dashboard ask for a code. Tokens keep working.',
    examples: ['paas 2fa:enable'],
  }).action(enable)

  define(program, {
    name: '2fa:disable',
    summary: 'log in with the password alone again',
    details: 'Asks for a code of your phone, or a recovery code.',
    examples: ['paas 2fa:disable'],
  }).action(disable)

  define(program, {
    name: '2fa:recovery-codes',
    summary: 'print ten new recovery codes',
    details: 'Those from before stop working. Asks for a code of your phone, or a recovery code.',
    examples: ['paas 2fa:recovery-codes'],
  }).action(renew)

  define(program, {
    name: '2fa:reset',
    arguments: '<email>',
    summary: 'let somebody log in without the second factor',
    details:
      'For an account that lost both its phone and its recovery codes. Make sure that it is they who ask. For admins only.',
    examples: ['paas 2fa:reset ada@example.com'],
  }).action(reset)
}

async function show(options: Options): Promise<void> {
  print(options, await connect().get<TwoFactorJson>('/account/two-factor'), ({ enabled, recovery_codes_left }) =>
    list([
      ['Two-factor authentication', enabled ? 'enabled' : 'not enabled'],
      ...(enabled ? ([['Recovery codes left', String(recovery_codes_left)]] as [string, string][]) : []),
    ]),
  )
}

async function enable(options: Options): Promise<void> {
  const api = connect()
  using prompt = new Prompt()
  const { email } = await api.get<AccountJson>('/account')
  const password = await prompt.askSecret(`Password of ${email} (empty if there is none yet)`)
  const { secret, url } = await api.post<NewTwoFactorJson>('/account/two-factor', { password })
  const { qrText } = await import('../../qr.ts')
  note(`Scan this with an authenticator app:\n\n${qrText(url)}\n\nOr type this there: ${secret}\n`)
  const confirmed = await confirm(api, prompt)
  print(options, confirmed.recovery_codes, (codes) => codes)
  note('Two-factor authentication is enabled. Keep these recovery codes where the phone is not; each works once.')
}

/** A wrong code may be a typing error, so it can be typed again. */
async function confirm(api: Client, prompt: Prompt): Promise<{ recovery_codes: string[] }> {
  for (;;) {
    const headers = withCode(await askCode(prompt))
    try {
      return await api.call('/account/two-factor', { method: 'PATCH', body: {}, headers })
    } catch (cause) {
      if (!(cause instanceof PaasError) || cause.code !== 'two_factor') throw cause
      note(cause.message)
    }
  }
}

async function disable(options: Options): Promise<void> {
  using prompt = new Prompt()
  const headers = withCode(await askCode(prompt))
  const done = await connect().call<TwoFactorJson>('/account/two-factor', { method: 'DELETE', headers })
  print(options, done, () => '')
  note('Two-factor authentication is disabled. Enable it again with: paas 2fa:enable')
}

async function renew(options: Options): Promise<void> {
  using prompt = new Prompt()
  const headers = withCode(await askCode(prompt))
  const codes = await connect().call<string[]>('/account/recovery-codes', { method: 'POST', body: {}, headers })
  print(options, codes, () => codes)
  note('Keep these where the phone is not; each works once. Those from before work no more.')
}

async function reset(email: string, options: Options): Promise<void> {
  const account = await connect().delete<AccountJson>(`/accounts/${encodeURIComponent(email)}/two-factor`)
  print(options, account, () => '')
  note(`${email} logs in with the password alone now. They enable it again with: paas 2fa:enable`)
}
