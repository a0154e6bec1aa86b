import { expect, it } from 'vitest'

it('tests see no settings and logins of whoever runs them', () => {
  const names = Object.keys(process.env).filter((name) => /^(PAAS_|REDIS_URL$|XDG_CONFIG_HOME$)/.test(name))
  expect(names.filter((name) => !name.startsWith('PAAS_TEST_'))).toEqual(['PAAS_SETTINGS'])
  expect(process.env['PAAS_SETTINGS']).toBe('off')
})
