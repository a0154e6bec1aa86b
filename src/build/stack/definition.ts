import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { PaasError } from '../../errors.ts'
import { stackPattern } from '../../model/stack.ts'

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

/**
 * The stacks that there are: directories with a suite. The names of images have them.
 * @throws settings_invalid when the directory of all cannot be read
 */
export function stackNames(stacksDirectory: string): string[] {
  const names = namesIn(stacksDirectory).filter((name) => existsSync(join(stacksDirectory, name, 'suite')))
  return names.filter((name) => stackPattern.test(name)).toSorted()
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (cause) {
    const message = `Settings: PAAS_STACKS is ${directory}, which this role of the server cannot read.`
    throw new PaasError('settings_invalid', message, { cause })
  }
}

export function readStack(name: string, stacksDirectory: string): StackDefinition {
  const directory = join(stacksDirectory, name)
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
