import { isAbsolute } from 'node:path'
import type { PackageSource } from './model/stack.ts'
import type { SettingsReader } from './settings-reader.ts'

/**
 * `URL SUITE COMPONENT`, as in apt's lists, with the file of the key that it is signed with;
 * undefined: there is none.
 */
export function readPackageSource(read: SettingsReader): PackageSource | undefined {
  const text = read.text('PAAS_PACKAGE_SOURCE', '').trim()
  const keyFile = read.text('PAAS_PACKAGE_SOURCE_KEY', '')
  if (text === '') return undefined
  const [, url, suite, components] = /^(https?:\/\/[^\s@"]+) ([a-z][\w./-]*) ([\w./-]+(?: [\w./-]+)*)$/.exec(text) ?? []
  if (url === undefined || suite === undefined || components === undefined || suite.endsWith('/')) {
    const wanted =
      'the URL of a Debian package source, its suite and components, such as https://example.com/debian trixie main'
    read.problem(`PAAS_PACKAGE_SOURCE is "${text.replace(/\/\/[^/@\s]*@/, '//***@')}"; it must be ${wanted}`)
    return undefined
  }
  if (!isAbsolute(keyFile)) {
    const wanted =
      'the absolute path of the key that the source is signed with (.asc or .gpg), which the server may read'
    read.problem(`PAAS_PACKAGE_SOURCE_KEY is "${keyFile}"; it must be ${wanted}`)
  }
  return { url, suite, components: components.split(' '), keyFile }
}
