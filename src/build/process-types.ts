import { scalableTypes } from '../model/formation.ts'
import type { Narrator } from '../model/narrator.ts'
import { parseProcfile, type ProcessTypes } from '../model/procfile.ts'

/** None where there is no Procfile. @throws procfile_invalid */
export function parseProcfileOf(text: string | undefined): ProcessTypes {
  return text === undefined ? {} : parseProcfile(text)
}

/**
 * The Procfile's process types, then the buildpack's others. A Procfile without `web` means no web
 * dynos.
 */
export function decideProcessTypes(output: Narrator, declared: ProcessTypes, defaults: ProcessTypes): ProcessTypes {
  const runs = scalableTypes(Object.keys(declared)).length > 0
  const added = Object.entries(defaults).filter(([type]) => !(type in declared) && !(runs && type === 'web'))
  output.topic('Discovering process types')
  output.detail(`Procfile declares types -> ${Object.keys(declared).join(', ') || '(none)'}`)
  if (added.length > 0) output.detail(`Default types of the buildpack -> ${added.map(([type]) => type).join(', ')}`)
  return { ...Object.fromEntries(added), ...declared }
}
