import { posix } from 'node:path'
import { MatchingEffort } from './matching-effort.ts'
import { PathPattern } from './path-pattern.ts'

type Rule = { pattern: PathPattern; keeps: boolean }

/**
 * What a `.dockerignore` leaves out of a build's context: the last pattern that matches a path, or a directory it lies in, decides
 * (https://docs.docker.com/build/concepts/context/#dockerignore-files). The Dockerfile and the file itself always go along.
 */
export function dockerignore(text: string): (path: string) => boolean {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const rules = [...lines, '!Dockerfile', '!.dockerignore'].flatMap(ruleOf)
  const effort = new MatchingEffort('.dockerignore')
  return (path) => {
    let isIgnored = false
    for (const { pattern, keeps } of rules) {
      if (isIgnored === keeps && pattern.matches(path, effort, true)) isIgnored = !keeps
    }
    return isIgnored
  }
}

function ruleOf(line: string): Rule[] {
  const text = line.trim()
  if (text === '' || line.startsWith('#')) return []
  const keeps = text.startsWith('!')
  const path = posix
    .normalize((keeps ? text.slice(1) : text).trim())
    .replace(/^\//, '')
    .replace(/\/$/, '')
  return path === '' ? [] : [{ pattern: new PathPattern(path, 'docker'), keeps }]
}
