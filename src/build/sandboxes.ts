import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Engine, Sandbox } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { newId, type AppId } from '../model/ids.ts'
import { usualStack } from '../model/stack.ts'
import { appDirectory, cacheDirectory, configDirectory } from './directories.ts'
import { baseStores } from './dockerfile/base-stores.ts'
import type { PackName } from './packs.ts'
import { sandboxLimits, type BuildLimits } from './sandbox-limits.ts'
import { lookProgram, type Toolbox } from './toolbox.ts'
import { treeLabels, type AppTrees, type Tree } from './trees.ts'

/** Milliseconds a sandbox waits for a build that has been announced. */
const patience = 30_000
export type SandboxesDeps = {
  engine: Pick<Engine, 'createSandbox' | 'removeCache'>
  /** By the name of the stack. */
  toolboxes: (stack: string) => Pick<Toolbox, 'baseImage' | 'buildImage' | 'builderImage'>
  trees: AppTrees
  build: BuildLimits & { concurrency: number; standbySeconds: number }
  log: Logger
}

/**
 * What happens in a sandbox: buildpacks run, with the app's tree in its place if there is one, or a
 * Dockerfile is built.
 */
export type SandboxKind = 'packs' | 'tree' | 'dockerfile'

/** @param toolchains packs whose toolchains are in it */
export type SandboxForm = { kind: SandboxKind; toolchains: PackName[]; stack: string }
const plain: SandboxForm = { kind: 'packs', toolchains: [], stack: usualStack }

type Wanted = Partial<SandboxForm> & {
  /** Clears the app's build cache. */
  emptyCache: boolean
  /** Told of what takes long. */
  onProgress?: (line: string) => void
}

/**
 * A sandbox on its way, or waiting; undefined: it could not be made. `standby`: no build has been
 * announced yet.
 */
type Prepared = {
  form: SandboxForm
  sandbox: Promise<Sandbox | undefined>
  standby: boolean
  expiry: NodeJS.Timeout
}

/**
 * Where apps are built: each build has a sandbox of its own. The engine takes a third of a second
 * to start one, so one is prepared while its push is still coming in, and after a build for the
 * next one. Never more wait than builds may run at once.
 */
export class BuildSandboxes implements AsyncDisposable {
  readonly #deps: SandboxesDeps
  readonly #prepared = new Map<AppId, Prepared>()
  readonly #removals = new Map<AppId, Promise<void>>()
  /** While an app has a build: resolves when that is over. */
  readonly #underway = new Map<AppId, PromiseWithResolvers<void>>()
  /** Until the app's last builder is at rest. */
  readonly #resting = new Map<AppId, Promise<void>>()
  /** Apps for which none is prepared now. */
  readonly #barred = new Set<AppId>()
  readonly #closing = new AbortController()

  constructor(deps: SandboxesDeps) {
    this.#deps = deps
  }

  /** A build of the app is expected in a moment. */
  prepare(appId: AppId, form: SandboxForm = plain): void {
    const waiting = this.#prepared.get(appId)
    if (!waiting) return this.#prepare(appId, form, false)
    clearTimeout(waiting.expiry)
    waiting.standby = false
    waiting.expiry = this.#expire(appId, patience)
  }

  /**
   * A build of the app begins. What it is done with is removed when it is over, since the engine
   * starts dynos more slowly meanwhile.
   */
  begin(appId: AppId): void {
    this.#underway.set(appId, Promise.withResolvers())
  }

  /**
   * The build is over. When nothing of it is left to be done, a sandbox is made ready for the next
   * one.
   * @param next undefined: the app is going away
   */
  over(appId: AppId, next: SandboxForm | undefined): void {
    this.#endBuild(appId)
    const { standbySeconds } = this.#deps.build
    if (!next || standbySeconds === 0) return
    void this.#removals.get(appId)?.then(() => {
      if (!this.#closing.signal.aborted && !this.#prepared.has(appId)) this.#prepare(appId, next, true)
    })
  }

  /** One for a build, to be given back by `remove`. */
  async take(appId: AppId, { emptyCache, onProgress, ...wanted }: Wanted, signal: AbortSignal): Promise<Sandbox> {
    const form = { ...plain, ...wanted }
    if (emptyCache) await this.without(appId, () => this.#deps.engine.removeCache(appId))
    if (!isDeepStrictEqual(this.#prepared.get(appId)?.form, form)) await this.#discard(appId)
    const sandbox = await this.#withdraw(appId)
    // The sandbox before may still be cleaning up the cache that this one needs.
    if (form.kind === 'dockerfile') await this.#resting.get(appId)
    if (sandbox?.waits && !signal.aborted) return sandbox
    if (sandbox) this.remove(appId, sandbox)
    return this.#make(appId, form, signal, onProgress)
  }

  /** The images of the stack are new: no build begins in one that was made of the old. */
  renew(stack: string): void {
    for (const [appId, { form }] of this.#prepared) if (form.stack === stack) void this.#discard(appId)
  }

  /** No build needs the one that was prepared. */
  dismiss(appId: AppId): void {
    void this.#discard(appId)
  }

  /**
   * In the background: nobody waits for it. What stays is removed at the worker's next start.
   * @param finished it is left in peace until then, for a while
   */
  remove(appId: AppId, sandbox: Sandbox, finished: Promise<unknown> = Promise.resolve()): void {
    const resting = within(patience, finished)
    this.#resting.set(appId, resting)
    const gone = Promise.all([resting, this.#underway.get(appId)?.promise]).then(() => sandbox[Symbol.asyncDispose]())
    const removal = Promise.all([this.#removals.get(appId), gone]).then(() => {
      if (this.#removals.get(appId) !== removal) return
      this.#removals.delete(appId)
      this.#resting.delete(appId)
    })
    this.#removals.set(appId, removal)
  }

  /**
   * In the background, once the build is over, since the app starts more slowly meanwhile: makes
   * the image that the app's next build begins with, with this tree in its place. The next build
   * does without if it comes earlier.
   */
  keepTree(appId: AppId, stack: string, tree: Tree): void {
    const over = Promise.resolve(this.#underway.get(appId)?.promise)
    const made = over.then(() => this.#makeTree(appId, stack, tree))
    const kept = made.catch((error: unknown) => {
      this.#deps.log.info({ err: error, app: appId }, 'tree not kept')
    })
    const removal = Promise.all([this.#removals.get(appId), kept]).then(() => {
      if (this.#removals.get(appId) === removal) this.#removals.delete(appId)
    })
    this.#removals.set(appId, removal)
  }

  /**
   * Does what can only be done while no sandbox of the app is there, and what it mounts is free.
   */
  async without(appId: AppId, work: () => Promise<void>): Promise<void> {
    this.#barred.add(appId)
    try {
      this.#endBuild(appId)
      await this.#discard(appId)
      await this.#removals.get(appId)
      await work()
    } finally {
      this.#barred.delete(appId)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    for (const appId of this.#underway.keys()) this.#endBuild(appId)
    await Promise.all([...this.#prepared.keys()].map((appId) => this.#discard(appId)))
    await Promise.all(this.#removals.values())
  }

  #prepare(appId: AppId, form: SandboxForm, standby: boolean): void {
    if (this.#barred.has(appId) || !this.#makeRoom()) return
    const sandbox = this.#make(appId, form, new AbortController().signal).catch((error: unknown) => {
      this.#deps.log.info({ err: error, app: appId }, 'no sandbox prepared')
      return undefined
    })
    const wait = standby ? this.#deps.build.standbySeconds * 1000 : patience
    this.#prepared.set(appId, { form, sandbox, standby, expiry: this.#expire(appId, wait) })
  }

  /** For one more: the one that has stood by longest goes. */
  #makeRoom(): boolean {
    if (this.#prepared.size < this.#deps.build.concurrency) return true
    const [oldest] = [...this.#prepared].find(([, { standby }]) => standby) ?? []
    if (oldest === undefined) return false
    void this.#discard(oldest)
    return true
  }

  #expire(appId: AppId, milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => void this.#discard(appId), milliseconds).unref()
  }

  #endBuild(appId: AppId): void {
    this.#underway.get(appId)?.resolve()
    this.#underway.delete(appId)
  }

  async #make(
    appId: AppId,
    { kind, toolchains, stack }: SandboxForm,
    signal: AbortSignal,
    onProgress?: Wanted['onProgress'],
  ): Promise<Sandbox> {
    const { engine, toolboxes, trees, build } = this.#deps
    const toolbox = toolboxes(stack)
    const isBuilder = kind === 'dockerfile'
    const base = await (isBuilder ? toolbox.builderImage(onProgress) : toolbox.buildImage(toolchains, onProgress))
    const tree = kind === 'tree' ? await trees.newest({ appId, use: 'build', bases: [base] }) : undefined
    const image = tree?.image ?? base
    const spec = {
      appId,
      image: image.digest,
      name: `build-${newId()}`,
      user: 'app',
      limits: sandboxLimits(build),
      cacheAt: cacheDirectory,
      ...(isBuilder ? { rootless: true, stores: await baseStores(toolbox) } : { secretsAt: configDirectory }),
      env: {},
      workingDirectory: appDirectory,
      ...(tree && { meanwhile: [lookProgram, appDirectory] }),
      labels: {},
    }
    return engine.createSandbox(spec, signal)
  }

  async #makeTree(appId: AppId, stack: string, tree: Tree): Promise<void> {
    const { engine, toolboxes, trees, build } = this.#deps
    const base = await toolboxes(stack).buildImage()
    const known = await trees.newest({ appId, use: 'build', bases: [base] })
    if (known?.id === tree.id) return
    const name = `tree-${newId()}`
    const place = { cacheAt: cacheDirectory, workingDirectory: appDirectory, env: {}, labels: {} }
    const { signal } = this.#closing
    const spec = { appId, image: base.digest, name, user: 'app', limits: sandboxLimits(build), ...place }
    await using sandbox = await engine.createSandbox(spec, signal)
    const argv = ['/bin/bash', '-c', unpackTree, 'tree', tree.path, tree.id, `${cacheDirectory}/trees`]
    const { code } = await sandbox.exec({ argv }, () => undefined, signal)
    if (code !== 0) throw new PaasError('internal', `The tree of ${appId} was not unpacked: exit code ${code}.`)
    const labels = { 'paas.app': appId, ...treeLabels('build', tree, base) }
    trees.remember(appId, 'build', await sandbox.commit({ config: { labels } }))
  }

  async #withdraw(appId: AppId): Promise<Sandbox | undefined> {
    const prepared = this.#prepared.get(appId)
    this.#prepared.delete(appId)
    clearTimeout(prepared?.expiry)
    return prepared?.sandbox
  }

  async #discard(appId: AppId): Promise<void> {
    const sandbox = await this.#withdraw(appId)
    if (sandbox) this.remove(appId, sandbox)
  }
}

/**
 * As a build leaves it and finds it (buildpacks/lib/tree.sh). One that runs may replace it: what
 * was opened before the id was read is of that id.
 */
const unpackTree = `
set -euo pipefail
kept=$3/\${1##*/}
files=()
for ((part = 1; part <= $(tail -n 1 "$kept.key"); part++)); do
  exec {file}<"$kept.$part.tar"
  files+=("$file")
done
[[ $(sed -n 2p "$kept.key") == "$2" ]]
for file in "\${files[@]}"; do tar --extract --file=- --directory=/ <&"$file"; done
mkdir -p .paas
echo "$1 $2" >.paas/tree
[[ -z $(find "$1" -type f -links +1 -print -quit) ]] || exit 0
mkdir -p /tmp/paas-probes/{look,scripts,build}
touch /tmp/paas-probes/{look,scripts,build}/file`

/** Resolves with the promise, or after this many milliseconds. */
async function within(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  const limit = new AbortController()
  const late = delay(milliseconds, undefined, { signal: limit.signal }).catch(() => undefined)
  await Promise.race([promise.catch(() => undefined), late])
  limit.abort()
}
