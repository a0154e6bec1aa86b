import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import type { Engine, Image } from '../engine/engine.ts'
import { createUsers } from './app-passwd.ts'
import { packFacts, packsDirectory, packsWithoutToolchain, type PackName } from './packs.ts'
import type { Stack } from './stack/stack.ts'
import { filesUnder, tarOf, type ImageFile, type SmallFile } from './stack/image-files.ts'
import { toolFiles, toolsDirectory, toolVersions } from './stack/tools.ts'

/** Path in the build image of the program that detects an app's buildpacks and runs them. */
export const buildProgram = `/${toolsDirectory}/buildpacks/bin/build`

/** Likewise: looks at the tree that a build will begin with. */
export const lookProgram = `/${toolsDirectory}/buildpacks/bin/look`

/** Likewise: gets a pack from elsewhere. */
export const fetchProgram = `/${toolsDirectory}/buildpacks/bin/fetch`

/** Path of the programs in the image that builds Dockerfiles. */
export const builderPrograms = `/${toolsDirectory}/builder`

const builderDirectory = resolve(import.meta.dirname, '../../builder')
const patternFile = resolve(import.meta.dirname, 'path-pattern.ts')

/**
 * The images of the stack that a Dockerfile can begin with: to run, to run with Node.js, to build.
 * They are named paas/STACK, -node, -build.
 */
export const baseNames = ['run', 'node', 'build'] as const
export type BaseName = (typeof baseNames)[number]

/** Files to add to an image, and what tells this set from any other. */
type Layer = { identity: string; files: () => Iterable<ImageFile>; env?: Record<string, string> }

export type ToolboxDeps = {
  engine: Pick<Engine, 'createImage' | 'findImage' | 'readImage'>
  stack: Stack
}

/**
 * The images that builds happen in and slugs are put on: the stack's, and one layer with what
 * Debian does not have. To build: the packs. To run: for Node.js apps a current Node.js, so that
 * the one most apps ask for costs their slugs nothing.
 */
export type Toolbox = {
  /** @param toolchains of these packs it has too */
  buildImage(toolchains?: PackName[], onProgress?: (line: string) => void): Promise<Image>
  runImage(packs: PackName[], onProgress?: (line: string) => void): Promise<Image>
  /**
   * For slugs that were made elsewhere: what any pack without a toolchain of its own needs to run.
   */
  uploadImage(onProgress?: (line: string) => void): Promise<Image>
  /** The list of users in one of them (passwd(5)). */
  usersIn(image: Image): Promise<string>
  /** What Dockerfiles are built in; made when the first one is. */
  builderImage(onProgress?: (line: string) => void): Promise<Image>
  baseImage(name: BaseName, onProgress?: (line: string) => void): Promise<Image>
  /**
   * Makes all that buildpacks need, so that no push waits for one; only the first push of an app
   * with a toolchain does.
   */
  prepare(onProgress: (line: string) => void): Promise<void>
}

export function createToolbox({ engine, stack }: ToolboxDeps): Toolbox {
  const withLayer = createLayers(engine)
  // Read once: files that an upgrade puts on the disk are for the next start.
  const packs = packLayer(stack)
  const builder = builderLayer()
  const toolbox: Toolbox = {
    async buildImage(toolchains = [], onProgress = noProgress) {
      const common = packsWithoutToolchain.flatMap((pack) => packFacts[pack].build)
      const further = toolchains.flatMap((pack) => [...packFacts[pack].build, ...(packFacts[pack].toolchain ?? [])])
      return withLayer(await stack.buildImage([common, further], onProgress), packs, onProgress)
    },
    async runImage(packs, onProgress = noProgress) {
      const packages = packs.flatMap((pack) => packFacts[pack].run)
      const base = await stack.runImage(packages, onProgress)
      return packs.includes('nodejs') ? withLayer(base, nodeLayer(), onProgress) : base
    },
    usersIn: createUsers(engine),
    uploadImage: (onProgress) => toolbox.runImage(packsWithoutToolchain, onProgress),
    builderImage: async (onProgress = noProgress) =>
      withLayer(await stack.builderImage(onProgress), builder, onProgress),
    baseImage(name, onProgress) {
      if (name === 'build') return toolbox.buildImage([], onProgress)
      return toolbox.runImage(name === 'node' ? ['nodejs'] : [], onProgress)
    },
    async prepare(onProgress) {
      await toolbox.buildImage([], onProgress)
      for (const pack of packsWithoutToolchain) await toolbox.runImage([pack], onProgress)
      await toolbox.uploadImage(onProgress)
    },
  }
  return toolbox
}

function noProgress(): void {}

/** Base image plus a layer, made once on an engine and named by the digest of what is in it. */
function createLayers(engine: ToolboxDeps['engine']) {
  const making = new Map<string, Promise<Image>>()

  return async (base: Image, layer: Layer, onProgress: (line: string) => void): Promise<Image> => {
    const digest = createHash('sha256').update(`${base.digest} ${layer.identity}`).digest('hex').slice(0, 16)
    const reference = `paas/toolbox:${digest}`
    const found = await engine.findImage(reference)
    if (found) return found
    onProgress('adding the buildpacks and their tools')
    const image =
      making.get(digest) ??
      engine
        .createImage({ base: base.digest, files: tarOf(layer.files()), path: '/', config: configOf(layer), reference })
        .finally(() => making.delete(digest))
    making.set(digest, image)
    return image
  }
}

function configOf({ env }: Layer) {
  return { labels: {}, ...(env && { env }) }
}

/** The packs, and the headers of the tools' Node.js, without which addons cannot be compiled. */
function packLayer({ runPackages }: Pick<Stack, 'runPackages'>): Layer {
  const at = join(toolsDirectory, 'buildpacks')
  const present = { name: join(at, 'apt/run-packages'), content: runPackages.join('\n') }
  const packs = [...filesUnder(packsDirectory, at), present].filter(({ name }) => !name.endsWith('.md'))
  const { identity } = layerOf(packs, JSON.stringify(toolVersions()))
  return { identity, files: () => [...packs, npx, ...nodeHeaders()] }
}

/** The programs that build Dockerfiles, and the Node.js that those in TypeScript run with. */
function builderLayer(): Layer {
  const files = [
    ...filesUnder(builderDirectory, `${toolsDirectory}/builder`),
    { name: `${toolsDirectory}/src/build/path-pattern.ts`, content: readFileSync(patternFile) },
    { name: `${toolsDirectory}/package.json`, content: '{ "type": "module" }\n' },
  ]
  const node: ImageFile = { name: `${toolsDirectory}/bin/node`, path: process.execPath, mode: 0o755 }
  return { identity: layerOf(files, process.version).identity, files: () => [...files, node] }
}

/** @param salt what decides beside the files */
function layerOf(files: SmallFile[], salt: string): Layer {
  const hash = createHash('sha256').update(salt)
  for (const { name, mode, content } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(`\n${name} ${mode} ${content.length}\n`).update(content)
  }
  return { identity: hash.digest('hex'), files: () => files }
}

/** Last in PATH: an app that brings a Node.js of its own runs with that. */
function nodeLayer(): Layer {
  const env = { PATH: `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/${toolsDirectory}/bin` }
  return { identity: JSON.stringify([toolVersions(), npx, env]), files: () => [...toolFiles(), npx], env }
}

/** Without what OpenSSL has for other processors, which is nine tenths of it. */
function nodeHeaders(): ImageFile[] {
  const manifest = createRequire(import.meta.filename).resolve(`node-linux-${process.arch}/package.json`)
  const headers = [...filesUnder(join(dirname(manifest), 'include'), join(toolsDirectory, 'include'))]
  const ours = process.arch === 'x64' ? 'linux-x86_64' : 'linux-aarch64'
  return headers.filter(({ name }) => !name.includes('/openssl/archs/') || name.includes(`/openssl/archs/${ours}/`))
}

const npx: ImageFile = {
  name: `${toolsDirectory}/bin/npx`,
  content: `#!/bin/sh\nexec /${toolsDirectory}/bin/node /${toolsDirectory}/lib/npm/bin/npx-cli.js "$@"\n`,
  mode: 0o755,
}
