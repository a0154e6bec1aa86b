import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PaasError } from '../../errors.ts'

const stacks = resolve(import.meta.dirname, '../../../stack')

/** A stack as its directory has it (`stack/debian-13/`). */
export type StackDefinition = {
  name: string
  directory: string
  /** Debian's name of the distribution the packages are from. */
  suite: string
  packages: { base: string[]; run: string[]; build: string[]; builder: string[] }
  /** File name → content, of all its files: images are addressed by them. */
  files: Record<string, string>
}

export function readStack(name = 'debian-13'): StackDefinition {
  const directory = join(stacks, name)
  const names = readdirSync(directory).toSorted()
  const files = Object.fromEntries(names.map((file) => [file, readFileSync(join(directory, file), 'utf8')]))
  const list = (file: string): string[] => packageList((files[file] ?? '').split('\n'))
  return {
    name,
    directory,
    suite: (files['suite'] ?? '').trim(),
    packages: {
      base: list('base-packages'),
      run: list('run-packages'),
      build: list('build-packages'),
      builder: list('builder-packages'),
    },
    files,
  }
}

/**
 * Sorted, without duplicates, comments and empty lines.
 * @throws bad_request for what is not the name of a Debian package
 */
export function packageList(lines: string[]): string[] {
  const names = new Set(lines.map((line) => line.replace(/#.*/, '').trim()).filter(Boolean))
  const wrong = [...names].find((name) => !/^[a-z0-9][a-z0-9+.-]+$/.test(name))
  if (wrong !== undefined) {
    throw new PaasError('bad_request', `"${wrong}" is not the name of a Debian package (Debian policy, section 5.6.7).`)
  }
  return [...names].toSorted()
}
