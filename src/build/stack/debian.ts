import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import type { Engine, Image, Sandbox } from '../../engine/engine.ts'
import { label } from '../../engine/labels.ts'
import { PaasError } from '../../errors.ts'
import { lockFile, type FileLock } from '../../lock.ts'
import { usualStack, type PackageSource } from '../../model/stack.ts'
import type { Stack, StackUpdates } from './stack.ts'
import { machineCertificates } from './certificates.ts'
import { readStack, type StackDefinition } from './definition.ts'
import { sourced, sourceFiles } from './package-source.ts'
import { patched, recipesFor, updatesScript, type Recipe, type Recipes } from './recipes.ts'
import { makeRootfs } from './rootfs.ts'
import { tarOf } from './image-files.ts'
import { askForUpdates } from './updates.ts'

export type StackDeps = {
  engine: Pick<Engine, 'findImage' | 'importImage' | 'createSandbox'>
  config: Pick<Config, 'cacheDirectory' | 'certificateFiles' | 'stacksDirectory'> &
    Partial<Pick<Config, 'packageSource'>>
  /**
   * The state of Debian's index that the images of the stack were brought to last; undefined: they
   * are as they were made first.
   */
  patchOf?: (stack: string) => string | undefined
}

type Progress = (line: string) => void

/** The stack of that name, made on this machine from Debian's packages. */
export function createStack({ engine, config, patchOf }: StackDeps, name = usualStack): Stack {
  const definition = readStack(name, config.stacksDirectory)
  const recipes = recipesFor(definition, machineCertificates({ named: config.certificateFiles }))
  const options = { definition, recipes, source: config.packageSource, patch: () => patchOf?.(name) }
  return new DebianStack(engine, config.cacheDirectory, options)
}

type DebianStackOptions = {
  definition: StackDefinition
  recipes: Recipes
  source: PackageSource | undefined
  patch: () => string | undefined
}

class DebianStack implements Stack {
  readonly name: string
  readonly runPackages: string[]
  readonly #engine: StackDeps['engine']
  readonly #directory: string
  readonly #definition: StackDefinition
  readonly #recipes: Recipes
  readonly #source: PackageSource | undefined
  readonly #patch: () => string | undefined

  constructor(
    engine: StackDeps['engine'],
    directory: string,
    { definition, recipes, source, patch }: DebianStackOptions,
  ) {
    this.name = definition.name
    this.runPackages = [...definition.packages.base, ...definition.packages.run]
    this.#engine = engine
    this.#directory = directory
    this.#definition = definition
    this.#recipes = recipes
    this.#source = source
    this.#patch = patch
  }

  async runImage(packages: string[], onProgress: Progress): Promise<Image> {
    return this.#ensure(this.#recipes.run(packages), onProgress)
  }

  async buildImage(layers: string[][], onProgress: Progress): Promise<Image> {
    return this.#ensure(this.#recipes.build(...layers), onProgress)
  }

  async sourcedImage(packages: string[], newer: string[], onProgress: Progress): Promise<Image> {
    const source = sourceFiles(this.#source, newer)
    return this.#ensure(sourced(this.#definition, this.#recipes.run(), { packages, source }), onProgress)
  }

  async builderImage(onProgress: Progress): Promise<Image> {
    return this.#ensure(this.#recipes.builder, onProgress)
  }

  async updatesOf(states: Buffer[], signal: AbortSignal): Promise<StackUpdates> {
    const base = await this.runImage([], () => undefined)
    await using sandbox = await this.#engine.createSandbox(sandboxSpec(base), signal)
    return await askForUpdates(sandbox, { ...updatesScript(this.#definition), states }, signal)
  }

  /**
   * One image is made at a time by set-up, and by each server, since each takes the whole disk and
   * CPU.
   */
  async #ensure(plain: Recipe, onProgress: Progress): Promise<Image> {
    const snapshot = this.#patch()
    const recipe = snapshot === undefined ? plain : patched(this.#definition, plain, snapshot)
    const found = await this.#engine.findImage(recipe.reference)
    if (found) return found
    await mkdir(this.#directory, { recursive: true })
    using _lock = await this.#lock(onProgress)
    return await this.#make(recipe, onProgress)
  }

  async #lock(onProgress: Progress): Promise<FileLock | undefined> {
    const path = join(this.#directory, 'stack.lock')
    const lock = await lockFile(path)
    if (lock) return lock
    onProgress('another process is making stack images; waiting for it')
    return lockFile(path, { wait: new AbortController().signal })
  }

  async #make(recipe: Recipe, onProgress: Progress): Promise<Image> {
    const found = await this.#engine.findImage(recipe.reference)
    if (found) return found
    const base = recipe.base ? await this.#make(recipe.base, onProgress) : await this.#importRootfs(onProgress)
    onProgress(`making the ${recipe.title}`)
    const { signal } = new AbortController()
    await using sandbox = await this.#engine.createSandbox(sandboxSpec(base), signal)
    await sandbox.put('/', tarOf(recipe.files()))
    for (const argv of recipe.commands) await execute(sandbox, argv, onProgress, signal)
    try {
      return await sandbox.commit({ reference: recipe.reference, config: recipe.config })
    } catch (cause) {
      // Another server may have made it meanwhile, and the gate replaces no image.
      const made = await this.#engine.findImage(recipe.reference)
      if (made) return made
      throw cause
    }
  }

  async #importRootfs(onProgress: Progress): Promise<Image> {
    const { name, suite } = this.#definition
    const reference = this.#recipes.rootfs
    const found = await this.#engine.findImage(reference)
    if (found) return found
    onProgress(`making a Debian ${suite} root file system for ${name}`)
    await using rootfs = await makeRootfs(this.#definition, onProgress)
    const labels = { [label.stack]: name }
    return await this.#engine.importImage(createReadStream(rootfs.path), { reference, labels })
  }
}

function sandboxSpec(base: Image): Parameters<Engine['createSandbox']>[0] {
  return {
    appId: undefined,
    image: base.digest,
    name: 'stack',
    user: 'root',
    limits: { memoryMiB: 2048, cpus: availableParallelism(), pids: 2048 },
    env: {},
    trusted: true,
    labels: {},
  }
}

/** @throws stack_unavailable with the last lines the command printed */
async function execute(sandbox: Sandbox, argv: string[], onProgress: Progress, signal: AbortSignal): Promise<void> {
  let pending = ''
  const last: string[] = []
  const onOutput = (chunk: Buffer): void => {
    const lines = (pending + chunk.toString()).split('\n')
    pending = lines.pop() ?? ''
    last.push(...lines)
    last.splice(0, last.length - 5)
    lines.forEach(onProgress)
  }
  const { code } = await sandbox.exec({ argv, user: 'root' }, onOutput, signal)
  if (code === 0) return
  throw new PaasError('stack_unavailable', `${argv[0]} exited with ${code}: ${[...last, pending].join(' ').trim()}`)
}
