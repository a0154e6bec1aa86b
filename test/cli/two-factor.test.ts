import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { totpCode, totpPeriod } from '../../src/model/totp.ts'
import { until } from '../helpers/app.ts'
import { fromBase32 } from '../helpers/base32.ts'
import { command, TestTerminal, type Said } from './terminal.ts'

let terminal: TestTerminal

beforeAll(async () => {
  terminal = await TestTerminal.start()
})
afterAll(() => terminal[Symbol.asyncDispose]())

/** Types a password, and then the code of the secret that is shown; a wrong one first. */
async function enable(): Promise<Said & { secret: Buffer }> {
  const child = spawn(command, ['2fa:enable'], { env: terminal.env })
  const closed = once(child, 'close')
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdin.write('correct horse\n')
  const shown = await until('it shows a secret', async () => /type this there: ([A-Z2-7]{32})/.exec(stderr)?.[1])
  const secret = fromBase32(shown)
  child.stdin.end(`0\n${totpCode(secret, totpPeriod(new Date()) - 1)}\n`)
  const [code] = (await closed) as [number]
  return { code, stdout, stderr, secret }
}

it('two-factor authentication is enabled with a QR code, asked for at the login, and disabled', async () => {
  expect(await terminal.succeed(['2fa'])).toContain('not enabled')
  const { code, stdout, stderr, secret } = await enable()
  expect(code).toBe(0)
  expect(stderr).toMatch(/[█▀▄]{20}/)
  expect(stderr).toContain('The two-factor code is wrong')
  const recovery = stdout.trim().split('\n')
  expect(recovery).toHaveLength(10)
  expect(await terminal.succeed(['2fa'])).toMatch(/: +enabled\nRecovery codes left: +10\n/)

  const login = (last: string) =>
    terminal.paas(['login', terminal.url], { input: `admin@example.com\ncorrect horse\n${last}\n` })
  expect((await login('000000')).stderr).toContain('The two-factor code is wrong')
  const done = await login(totpCode(secret, totpPeriod(new Date())))
  expect(done.stderr).toMatch(/Two-factor code: [^]*Logged in to .* as admin@example.com/)

  const renewed = await terminal.succeed(['2fa:recovery-codes'], { input: `${recovery[0]}\n` })
  const [fresh = ''] = renewed.trim().split('\n')
  expect((await terminal.paas(['2fa:disable'], { input: `${recovery[1]}\n` })).code).toBe(1)
  expect((await terminal.paas(['2fa:disable'], { input: `${fresh}\n` })).code).toBe(0)
  expect(await terminal.succeed(['2fa'])).toContain('not enabled')
})

it('an admin resets it for somebody who lost all', async () => {
  const { account } = terminal.api.stranger('ada@example.com')
  const { twoFactors, accounts } = terminal.api.store
  const secret = twoFactors.begin(account.id)
  twoFactors.confirm(account.id, totpCode(secret, totpPeriod(new Date())))
  expect(accounts.find(account.id)?.twoFactor).toBe(true)
  expect((await terminal.paas(['2fa:reset', 'ada@example.com'])).stderr).toContain('with the password alone now')
  expect(accounts.find(account.id)?.twoFactor).toBe(false)
})
