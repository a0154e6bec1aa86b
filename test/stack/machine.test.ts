import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { machineCertificates } from '../../src/build/stack/certificates.ts'
import { debianCodename, translateSources } from '../../src/build/stack/mirror.ts'

let directory: string
let added: string
let bundle: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'paas-certificates-'))
  added = join(directory, 'added')
  bundle = join(directory, 'bundle.crt')
  mkdirSync(join(added, 'company'), { recursive: true })
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const certificate = (text: string, newline = '\n') =>
  [
    '-----BEGIN CERTIFICATE-----',
    Buffer.from(text.repeat(30)).toString('base64'),
    '-----END CERTIFICATE-----',
    '',
  ].join(newline)

describe('the certificates a machine trusts beyond Debian’s', () => {
  it('are those its administrator added, in any directory, and those of named files that the system does not have', () => {
    writeFileSync(join(added, 'proxy.crt'), certificate('proxy'))
    writeFileSync(join(added, 'company/other.crt'), `subject=other\n${certificate('other', '\r\n')}`)
    writeFileSync(join(added, 'README'), certificate('not a .crt file'))
    writeFileSync(bundle, certificate('debian') + certificate('proxy'))
    writeFileSync(join(directory, 'extra.pem'), certificate('debian') + certificate('extra'))
    const found = machineCertificates({ added, bundle, named: [join(directory, 'extra.pem')] })
    expect(found).toHaveLength(3)
    for (const line of found.flatMap((pem) => pem.trimEnd().split('\n'))) expect(line.length).toBeLessThanOrEqual(64)
  })

  it('are the same however they are written, and in whatever order they are found', () => {
    writeFileSync(join(added, 'a.crt'), certificate('one') + certificate('two'))
    const first = machineCertificates({ added, bundle, named: [] })
    writeFileSync(join(added, 'a.crt'), certificate('two', '\r\n'))
    writeFileSync(join(added, 'b.crt'), certificate('one'))
    expect(machineCertificates({ added, bundle, named: [] })).toEqual(first)
  })

  it('are none when the environment names the system’s own bundle, or a file that is not there', () => {
    writeFileSync(bundle, certificate('debian'))
    expect(machineCertificates({ added, bundle, named: [bundle, join(directory, 'gone')] })).toEqual([])
    expect(machineCertificates({ added: join(directory, 'gone'), bundle, named: [] })).toEqual([])
  })
})

describe('the mirror', () => {
  const sources = [
    'http://mirror.example/debian/ bookworm main',
    'http://mirror.example/debian/ bookworm-updates main',
    'http://mirror.example/debian/ bookworm contrib',
    'http://mirror.example/security/ bookworm-security main',
    'https://packages.example/redis/ bookworm main',
    'https://packages.example/node/ nodistro main',
    '',
  ]

  it('is the machine’s own one, for the stack’s release', () => {
    expect(translateSources(sources, 'bookworm', 'trixie')).toEqual([
      'deb http://mirror.example/debian/ trixie main',
      'deb http://mirror.example/debian/ trixie-updates main',
      'deb http://mirror.example/security/ trixie-security main',
    ])
  })

  it('is left to mmdebstrap where the machine has none of Debian', () => {
    expect(translateSources(sources.slice(3), 'bookworm', 'trixie')).toEqual([])
    expect(translateSources([], 'bookworm', 'trixie')).toEqual([])
    expect(debianCodename('ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n')).toBeUndefined()
    expect(debianCodename('VERSION_CODENAME=bookworm\nID=debian\n')).toBe('bookworm')
    expect(debianCodename('ID=debian\nPRETTY_NAME="Debian GNU/Linux forky/sid"\n')).toBeUndefined()
  })
})
