import { randomBytes } from 'node:crypto'
import type { AppId } from '../../model/ids.ts'
import { unlessMissing, type DockerDeps } from './client.ts'
import { serverPrefix } from './names.ts'

/** Follows a build's output for the image that each stage ended with. A step may print what it likes: `keepSteps` checks. */
export class StageEnds {
  readonly #ends: string[] = []
  #last: string | undefined

  read(text: string): void {
    if (/^Step \d+\/\d+ : FROM /i.test(text)) this.#endStage()
    this.#last = /^ ---> ([0-9a-f]{12})$/m.exec(text)?.[1] ?? this.#last
  }

  all(): string[] {
    this.#endStage()
    return this.#ends
  }

  #endStage(): void {
    if (this.#last !== undefined) this.#ends.push(this.#last)
    this.#last = undefined
  }
}

/**
 * The engine's builder finds steps it has done in nameless images, which it never removes. Those of an app's newest
 * build get names, which nobody can guess, so that no other Dockerfile can begin FROM them; those of the build before
 * lose theirs, and with them their place on the disk.
 */
export async function keepSteps(deps: DockerDeps, appId: AppId, ends: string[]): Promise<void> {
  const old = await stepNames(deps, appId)
  for (const id of ends) {
    const info = await unlessMissing(deps.docker.getImage(id).inspect())
    const isStep = info?.RepoTags.every((name) => name.startsWith(stepPrefix(deps, appId)))
    if (!info || !isStep) continue
    const name = { repo: serverPrefix(deps.serverId), tag: `steps-${appId}${randomBytes(8).toString('hex')}` }
    await unlessMissing(deps.docker.getImage(info.Id).tag(name))
  }
  await removeNames(deps, old)
}

export async function removeSteps(deps: DockerDeps, appId?: AppId): Promise<void> {
  await removeNames(deps, await stepNames(deps, appId))
}

function stepPrefix({ serverId }: DockerDeps, appId = ''): string {
  return `${serverPrefix(serverId)}:steps-${appId}`
}

async function stepNames(deps: DockerDeps, appId?: AppId): Promise<string[]> {
  const prefix = stepPrefix(deps, appId)
  const found = await deps.docker.listImages({ filters: JSON.stringify({ reference: [`${prefix}*`] }) })
  return found.flatMap(({ RepoTags }) => RepoTags ?? []).filter((name) => name.startsWith(prefix))
}

async function removeNames({ docker }: DockerDeps, names: string[]): Promise<void> {
  for (const name of names) await unlessMissing(docker.getImage(name).remove())
}
