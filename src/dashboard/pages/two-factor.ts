import { alert, field, submit } from '../components/form.ts'
import { html, nothing, type Html } from '../html.ts'
import { qrSvg } from '../../qr.ts'
import { serverPage, type Done, type Visit } from '../page.ts'
import { ApiRefusal, type Platform } from '../platform.ts'
import { codeList, copyable } from '../components/shown-once.ts'
import { ownMarkup } from '../html.ts'

export const twoFactor = serverPage({
  path: '/account/two-factor',
  title: 'Two-factor authentication',
  listed: false,
  view,
  actions: { begin, confirm, renew, disable },
})

type Status = { enabled: boolean; recovery_codes_left: number }

async function view(visit: Visit): Promise<Html> {
  const { enabled, recovery_codes_left: left } = await visit.platform.get<Status>('/account/two-factor')
  return html`
    <h1>Two-factor authentication</h1>
    <p>
      ${enabled ? html`It is enabled. ${left} recovery codes are left.` : 'It is not enabled: your password is all that a login needs.'}
    </p>
    ${enabled ? enabledForms(visit) : beginForm(visit)}
    <p><a href="/dashboard/account">Back to the account</a></p>
  `
}

function beginForm({ here, token }: Visit): Html {
  return html`<form method="post" action="${here}" class="card stack narrow">
    <h2>Enable it</h2>
    ${token}
    <p>You need an authenticator app on your phone. From then on each login asks for a code of it.</p>
    ${field({ name: 'password', label: 'Your password', type: 'password', autocomplete: 'current-password', help: 'Empty, if the account has none yet.' })}
    <p>${submit('Go on', 'begin')}</p>
  </form>`
}

const codeField = (id: string): Html =>
  field({
    name: 'code',
    id,
    label: 'Code',
    autocomplete: 'one-time-code',
    required: true,
    help: 'From your authenticator app, or a recovery code.',
  })

function enabledForms({ here, token }: Visit): Html {
  return html`
    <form method="post" action="${here}" class="card stack narrow">
      <h2>New recovery codes</h2>
      ${token}
      <p>Those from before stop working.</p>
      ${codeField('code-renew')}
      <p>${submit('Make ten new ones', 'renew')}</p>
    </form>
    <form method="post" action="${here}" class="card stack narrow">
      <h2>Disable it</h2>
      ${token} ${codeField('code-disable')}
      <p>${submit('Disable', 'disable', 'danger')}</p>
    </form>
  `
}

async function begin(visit: Visit): Promise<Done> {
  const password = visit.form.get('password') ?? ''
  const made = await visit.platform.send<NewSecret>('POST', '/account/two-factor', { password })
  return { page: confirmation(visit, made, undefined) }
}

type NewSecret = { secret: string; url: string }

function confirmation({ here, token }: Visit, { secret, url }: NewSecret, refused: string | undefined): Html {
  return html`
    <h1>Two-factor authentication</h1>
    <form method="post" action="${here}" class="card stack">
      <h2>Scan this with your authenticator app</h2>
      ${refused === undefined ? nothing : alert(refused)}
      <div class="qr" role="img" aria-label="QR code with the secret below">${ownMarkup(qrSvg(url))}</div>
      <p>Or type this there: ${copyable('secret', secret)}</p>
      ${token}
      <input type="hidden" name="secret" value="${secret}" />
      <input type="hidden" name="url" value="${url}" />
      ${field({ name: 'code', label: 'First code of the app', autocomplete: 'one-time-code', required: true })}
      <p>${submit('Enable', 'confirm')}</p>
    </form>
  `
}

/** A wrong code may be a typing error: the QR code is shown again, from what the form has. */
async function confirm(visit: Visit): Promise<Done> {
  const { form, platform } = visit
  const shown = { secret: form.get('secret') ?? '', url: form.get('url') ?? '' }
  try {
    const made = await withCode<{ recovery_codes: string[] }>(platform, 'PATCH', '/account/two-factor', form)
    return { page: codeList('Two-factor authentication is enabled', made.recovery_codes) }
  } catch (cause) {
    if (!(cause instanceof ApiRefusal) || cause.id !== 'two_factor' || !shown.url.startsWith('otpauth://')) throw cause
    return { page: confirmation(visit, shown, cause.message) }
  }
}

async function renew({ platform, form }: Visit): Promise<Done> {
  return {
    page: codeList('New recovery codes', await withCode<string[]>(platform, 'POST', '/account/recovery-codes', form)),
  }
}

async function disable({ platform, form }: Visit): Promise<Done> {
  await withCode(platform, 'DELETE', '/account/two-factor', form)
  return { to: '/account/two-factor', said: 'It is disabled: logins need the password alone.' }
}

function withCode<T>(
  platform: Platform,
  method: 'POST' | 'PATCH' | 'DELETE',
  path: string,
  form: URLSearchParams,
): Promise<T> {
  return platform.send<T>(method, path, {}, { 'heroku-two-factor-code': (form.get('code') ?? '').trim() })
}
