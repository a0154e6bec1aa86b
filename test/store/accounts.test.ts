import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TestStore } from './test-store.ts'

describe('an account', () => {
  it('is found by id and by email in any case', () => {
    using test = new TestStore()
    const account = test.store.accounts.create({ email: 'Some.One@Example.com', name: 'Some One', admin: true })
    expect(account).toMatchObject({ email: 'some.one@example.com', name: 'Some One', admin: true })
    expect(test.store.accounts.find('SOME.ONE@example.COM')).toEqual(account)
    expect(test.store.accounts.find(account.id)).toEqual(account)
    expect(test.store.accounts.find('nobody@example.com')).toBeUndefined()
  })

  it('cannot share an email', () => {
    using test = new TestStore()
    expect(() => test.store.accounts.create({ email: 'OWNER@example.com', admin: false })).toThrow(
      expect.objectContaining({ code: 'name_taken' }),
    )
    expect(test.store.accounts.list()).toHaveLength(1)
  })

  it('is opened by its own password only, and by none while it has none', async () => {
    using test = new TestStore()
    const { accounts } = test.store
    const { id } = accounts.create({ email: 'a@example.com', admin: false, password: 'correct horse' })
    expect((await accounts.authenticate('A@example.com', 'correct horse'))?.id).toBe(id)
    expect(await accounts.authenticate('a@example.com', 'correct horsf')).toBeUndefined()
    expect(await accounts.authenticate('owner@example.com', '')).toBeUndefined()
    expect(await accounts.authenticate('nobody@example.com', 'correct horse')).toBeUndefined()
    expect([accounts.hasPassword(id), accounts.hasPassword(test.account.id)]).toEqual([true, false])
  })

  it('takes a new password, after which the old one is nothing', async () => {
    using test = new TestStore()
    const { accounts } = test.store
    const { id } = accounts.create({ email: 'a@example.com', admin: false, password: 'correct horse' })
    await accounts.setPassword(id, 'battery staple')
    expect(await accounts.authenticate('a@example.com', 'correct horse')).toBeUndefined()
    expect((await accounts.authenticate('a@example.com', 'battery staple'))?.id).toBe(id)
  })
})

describe('a token', () => {
  it('opens its account until it is removed', () => {
    using test = new TestStore()
    const { tokens } = test.store
    const { token, secret } = tokens.create({ accountId: test.account.id, description: 'ci', scope: ['read'] })
    expect(tokens.authenticate(secret)).toEqual({ token, account: test.account })
    expect(tokens.list(test.account.id)).toEqual([token])
    tokens.remove(token.id)
    expect(tokens.authenticate(secret)).toBeUndefined()
    expect(tokens.find(token.id)).toBeUndefined()
  })

  it('opens nothing once it has expired', () => {
    using test = new TestStore()
    const make = (expiresAt: Date) =>
      test.store.tokens.create({ accountId: test.account.id, description: 'x', scope: ['global'], expiresAt }).secret
    expect(test.store.tokens.authenticate(make(new Date(Date.now() + 60_000)))).toBeDefined()
    expect(test.store.tokens.authenticate(make(new Date(Date.now() - 1)))).toBeUndefined()
  })
})

it('no secret is on disk as it is', () => {
  using test = new TestStore()
  test.store.accounts.create({ email: 'a@example.com', admin: false, password: 'plain-password-4711' })
  const { secret } = test.store.tokens.create({ accountId: test.account.id, description: 'x', scope: ['global'] })
  test.store.configVars.update(test.app.id, { KEY: 'plain-config-4711' })
  test.store.releases.create({
    appId: test.app.id,
    slugId: null,
    description: 'x',
    accountId: test.account.id,
    config: test.store.configVars.get(test.app.id),
  })
  const { directory } = test.files
  const bytes = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'latin1'))
  expect(bytes.join('')).toContain('owner@example.com')
  for (const planted of ['plain-password-4711', 'plain-config-4711', secret]) {
    expect(bytes.join('')).not.toContain(planted)
  }
})
