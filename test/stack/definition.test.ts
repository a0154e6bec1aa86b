import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageList, readStack } from '../../src/build/stack/definition.ts'
import { recipesFor } from '../../src/build/stack/recipes.ts'

const directory = resolve(import.meta.dirname, '../../stack')
const stack = readStack('debian-13', directory)
const recipes = recipesFor(stack, [])

describe('a package list', () => {
  it('is sorted, without comments, blanks and duplicates', () => {
    expect(packageList(['# tools', 'zip', '', ' git # the client', 'zip'])).toEqual(['git', 'zip'])
  })

  it.each(['--option', 'a', 'Git', 'git;reboot', 'git rm', '../x', 'git=1.0', '$(id)'])('refuses %j', (name) => {
    expect(() => packageList([name])).toThrow(expect.objectContaining({ code: 'bad_request' }))
  })
})

describe('the images of the stack', () => {
  it('have one address for one set of packages, however it is written', () => {
    const one = recipes.build(['libvips42', 'ffmpeg'])
    const other = recipes.build(['ffmpeg', 'libvips42', 'ffmpeg'])
    expect(one.reference).toBe(other.reference)
    expect(one.commands).toEqual([['/usr/lib/paas/stack/install', 'ffmpeg', 'libvips42']])
  })

  it('are the plain ones when the packages wanted are there already', () => {
    expect(recipes.run(['curl', 'bash']).reference).toBe(recipes.run([]).reference)
    expect(recipes.build(['curl', 'git']).reference).toBe(recipes.build([]).reference)
    expect(recipes.run(['git']).reference).not.toBe(recipes.run([]).reference)
  })

  it('have another address when anything that goes into them changes', () => {
    const changed = { ...stack, files: { ...stack.files, install: `${stack.files['install']}true\n` } }
    const morePackages = { ...stack, packages: { ...stack.packages, run: [...stack.packages.run, 'zstd'] } }
    const variants = [recipesFor(changed, []), recipesFor(morePackages, []), recipesFor(stack, ['a certificate'])]
    const addresses = [recipes, ...variants].flatMap(({ run, build }) => [run([]).reference, build([]).reference])
    expect(new Set(addresses).size).toBe(8)
  })

  it('keep the run image when only the build packages change', () => {
    const changed = { ...stack, packages: { ...stack.packages, build: [...stack.packages.build, 'cmake'] } }
    expect(recipesFor(changed, []).run([]).reference).toBe(recipes.run([]).reference)
    expect(recipesFor(changed, []).build([]).reference).not.toBe(recipes.build([]).reference)
  })

  it('tell tools of the certificates only where there are more than Debian’s', () => {
    expect(Object.keys(recipes.run([]).config.env ?? {})).toEqual(['LANG'])
    expect(recipesFor(stack, ['a certificate']).run([]).config.env).toMatchObject({
      SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt',
      NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt',
      PIP_CERT: '/etc/ssl/certs/ca-certificates.crt',
    })
  })
})
