import { readFileSync } from 'node:fs'
import { PaasError } from '../../errors.ts'
import type { PackageSource } from '../../model/stack.ts'
import { packageList, type StackDefinition } from './definition.ts'
import type { SmallFile } from './image-files.ts'
import { install, reference, type Recipe } from './recipes.ts'

/**
 * What tells apt of the operator's package source. Nothing is taken from it that Debian has, but
 * for `newer`: what Debian has is more by 400 (apt_preferences(5)).
 * @throws stack_unavailable where there is none, or its key cannot be read
 */
export function sourceFiles(source: PackageSource | undefined, newer: string[]): SmallFile[] {
  if (!source)
    throw new PaasError('stack_unavailable', 'This server has no package source beside Debian (PAAS_PACKAGE_SOURCE).')
  const key = keyIn(source.keyFile)
  const isArmored = key.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')
  const keyring = `usr/share/keyrings/paas-source.${isArmored ? 'asc' : 'gpg'}`
  const { url, suite, components } = source
  const list = `Types: deb\nURIs: ${url}\nSuites: ${suite}\nComponents: ${components.join(' ')}\nSigned-By: /${keyring}\n`
  return [
    { name: keyring, content: key },
    { name: 'etc/apt/sources.list.d/paas-source.sources', content: list },
    { name: 'etc/apt/preferences.d/paas-source', content: preferences(suite, newer) },
  ]
}

/** A suite is known by its codename or by its suite's name, whichever its list has. */
function preferences(suite: string, newer: string[]): string {
  const pins = [...(newer.length > 0 ? [[newer.toSorted().join(' '), 500] as const] : []), ['*', 100] as const]
  const each = pins.flatMap(([packages, priority]) =>
    ['n', 'a'].map((key) => `Package: ${packages}\nPin: release ${key}=${suite}\nPin-Priority: ${priority}\n`),
  )
  return each.join('\n')
}

function keyIn(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const message = `The key of the package source, ${path}, cannot be read.`
    throw new PaasError('stack_unavailable', message, { hint: `Try: chmod a+r ${path}`, cause })
  }
}

/** With what tells apt of the source left in it: updates of the image come from there too. */
export function sourced(
  stack: StackDefinition,
  base: Recipe,
  { packages, source }: { packages: string[]; source: SmallFile[] },
): Recipe {
  const further = packageList(packages)
  const files = source.map(({ name, content }) => [name, Buffer.from(content).toString('base64')])
  return {
    reference: reference(stack, 'run', [base.reference, further, files]),
    title: `${base.title} with ${further.join(', ')}, also from the package source`,
    base,
    files: () => source,
    commands: [install(further)],
    config: base.config,
  }
}
