import { expect, it } from 'vitest'
import { createPackPolicy, isPackUrl, parsePackUrl } from '../../src/build/pack-url.ts'

const policy = createPackPolicy({ network: { firewall: true, allow: ['10.1.0.0/16'], host: [] }, httpPort: 8080 })
const parse = (text: string) => parsePackUrl(text, policy)

it.each([
  'https://github.com/heroku/heroku-buildpack-apt',
  'https://github.com/heroku/heroku-buildpack-apt.git#main',
  'https://git.example.com:8443/packs/apt.git#release/v1.2',
  `https://github.com/heroku/heroku-buildpack-apt#${'0a'.repeat(20)}`,
  'https://example.com/pack.tgz',
  'https://example.com/pack.tar.gz',
  'https://10.1.2.3/pack.git',
  'http://10.1.2.3:3000/pack.git',
])('%s may be a pack', (url) => {
  expect(parse(url)).toBe(url)
})

it.each([
  ['https://github.com', 'has no path'],
  ['https://user:token@github.com/pack.git', 'must not have a user or a password'],
  ['https://token@github.com/pack.git', 'must not have a user or a password'],
  ['https://example.com/pack.tgz?token=x', 'must not have a query'],
  ['https://example.com/pack.tgz#main', 'names a tarball'],
  ['https://example.com/pack.git#--upload-pack=id', 'has an invalid branch, tag or commit'],
  ['https://example.com/pack.git#+main:main', 'has an invalid branch, tag or commit'],
  ['https://example.com/pack.git#a..b', 'has an invalid branch, tag or commit'],
  ['https://example.com/pack.git#$(id)', 'has an invalid branch, tag or commit'],
  ['https://example.com/pack.git#main gone', 'has an invalid branch, tag or commit'],
  ['http://example.com/pack.git', 'must begin with https://'],
  ['http://8.8.8.8/pack.git', 'must begin with https://'],
  ['https://', 'must be a host after'],
  [`https://example.com/${'x'.repeat(1000)}`, '1000 characters at most'],
])('%s may be none', (url, message) => {
  expect(() => parse(url)).toThrow(
    expect.objectContaining({ code: 'invalid_params', message: expect.stringContaining(message) }),
  )
})

it.each([
  'https://127.0.0.1/pack.git',
  'https://169.254.169.254/pack.tgz',
  'https://2130706433/pack.git',
  'https://[::1]/pack.git',
  'https://[::ffff:10.0.0.1]/pack.git',
  'http://10.2.0.1/pack.git',
])('%s leads nowhere that builds reach', (url) => {
  expect(() => parse(url)).toThrow(expect.objectContaining({ code: 'address_forbidden' }))
})

it.each([
  'ext::sh -c id',
  'file:///etc',
  'git://example.com/pack',
  'ssh://example.com/pack',
  'git@example.com:pack',
  '--upload-pack=id',
])('%s is not even an address of one', (text) => expect(isPackUrl(text)).toBe(false))

it('leaves nothing in a URL that a line or an argument could be cut at', () => {
  expect(parse('https://example.com/a b\t"c\n\u00e9.git')).toBe('https://example.com/a%20b%22c%C3%A9.git')
})
