import { readdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Paths } from '../../paths.ts'

type Place = Pick<Paths, 'routerSocket'>

/** Where a process of the router takes calls; the first has the name that all others know. */
export function controlSocketOf({ routerSocket }: Place, number: number): string {
  return number === 1 ? routerSocket : routerSocket.replace(/(?=\.sock$)/, `-${number}`)
}

/** Of all processes that there are, or were, the first one's first. */
export function controlSockets({ routerSocket }: Place): string[] {
  const [directory, name] = [dirname(routerSocket), basename(routerSocket, '.sock')]
  return [routerSocket, ...numbersIn(directory, name).map((number) => controlSocketOf({ routerSocket }, number))]
}

function numbersIn(directory: string, name: string): number[] {
  try {
    const names = readdirSync(directory).filter((file) => file.startsWith(`${name}-`) && file.endsWith('.sock'))
    return names.map((file) => Number(file.slice(name.length + 1, -5))).filter((number) => number > 1)
  } catch {
    return [] // the directory is made with the first start
  }
}
