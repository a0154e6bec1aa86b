import { spawn, type ChildProcess } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { api, until } from '../helpers/app.ts'
import { rolePid } from '../helpers/processes.ts'
import type { ServerOnEngine } from '../helpers/server-on-engine.ts'

export const victims = ['worker', 'api', 'engine'] as const
export type Victim = (typeof victims)[number]

/** What an engine tells of itself while somebody listens. */
export class EngineEvents implements Disposable {
  readonly #process: ChildProcess
  readonly #seen: string[] = []

  /** Each as `container exec_start: …/restore proof.postgresql.1`: what it is of, what happened, and to whom. */
  constructor({ engine }: Pick<ServerOnEngine, 'engine'>) {
    const format = '{{.Type}} {{.Action}} {{index .Actor.Attributes "paas.dyno"}}'
    const since = String(Date.now() / 1000)
    const argv = ['--host', engine.dockerHost, 'events', '--since', since, '--format', format]
    this.#process = spawn('docker', argv, { stdio: ['ignore', 'pipe', 'ignore'] })
    createInterface({ input: this.#process.stdout! }).on('line', (line) => this.#seen.push(line))
  }

  async saw(what: RegExp): Promise<void> {
    await until(`the engine tells ${String(what)}`, async () => this.#seen.some((line) => what.test(line)), 120_000)
  }

  [Symbol.dispose](): void {
    this.#process.kill()
  }
}

/** kill -9; resolves when it is there again. */
export async function kill({ server, engine }: ServerOnEngine, victim: Victim): Promise<void> {
  if (victim === 'engine') {
    await engine.killDaemon()
    return engine.startDaemon()
  }
  const before = rolePid(server.pid, victim)
  process.kill(before, 'SIGKILL')
  await until(`the ${victim} is there again`, async () => pidOr(server.pid, victim, before) !== before)
}

function pidOr(supervisor: number, role: string, none: number): number {
  try {
    return rolePid(supervisor, role)
  } catch {
    return none
  }
}

/** As long as the api or the worker behind it is away, it is asked again. */
export async function ask<Body>(
  { server }: ServerOnEngine,
  method: string,
  path: string,
  body?: object,
): Promise<Body> {
  if (method === 'GET') await delay(200)
  return until(
    `${method} ${path}`,
    async () => {
      const answer = await api<Body>(server, method, path, { mayFail: true, ...(body && { body }) }).catch(
        () => undefined,
      )
      if (!answer || answer.status >= 500) return undefined
      if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
      return { body: answer.body }
    },
    60_000,
  ).then(({ body: found }) => found)
}

export type AddonJson = { id: string; name: string; state: string; provision_message?: string }

export async function addonsOf(site: ServerOnEngine): Promise<AddonJson[]> {
  return ask(site, 'GET', '/addons')
}

/** What the engine and the data directory have that the record does not lead to; and what runs beside a database. */
export async function leftovers(site: ServerOnEngine): Promise<string[]> {
  const addons = await addonsOf(site)
  const known = new Set(addons.map(({ id }) => id))
  const docker = (...argv: string[]): string[] =>
    site.engine
      .docker(...argv)
      .split('\n')
      .filter(Boolean)
  const owned = '{{.Label "paas.owner"}} {{.Label "paas.kind"}} {{.Label "paas.dyno"}}'
  const containers = docker('ps', '--all', '--format', `container ${owned} {{.Names}}`)
  const volumes = docker('volume', 'ls', '--format', `volume ${owned} {{.Name}}`)
  const isKnown = (line: string): boolean => known.has(line.split(' ')[1] ?? '') || / (dyno|cache) /.test(line)
  // One that failed stays on record, with nothing.
  const wrong = addons.flatMap(({ id, state }) => {
    const count = docker('ps', '--quiet', '--filter', `label=paas.owner=${id}`).length
    return count === (state === 'provisioned' ? 1 : 0) ? [] : [`${count} containers of ${id}, which is ${state}`]
  })
  return [...[...containers, ...volumes].filter((line) => !isKnown(line)), ...wrong, ...(await lostFiles(site))]
}

async function lostFiles(site: ServerOnEngine): Promise<string[]> {
  const files = await Promise.all(
    ['kept', 'downloads'].map((name) => readdir(join(site.server.dataDirectory, 'dumps', name)).catch(() => [])),
  )
  const apps = await ask<{ name: string }[]>(site, 'GET', '/apps')
  type Transfer = { uuid: string; succeeded: boolean }
  const all = await Promise.all(
    apps.map(({ name }) => ask<Transfer[]>(site, 'GET', `/client/v11/apps/${name}/transfers`)),
  )
  const known = new Set(all.flat().map(({ uuid, succeeded }) => succeeded && `${uuid}.dump`))
  return files.flat().filter((file) => !known.has(file))
}
