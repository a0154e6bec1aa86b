import { createHash } from 'node:crypto'
import type { ImageConfig } from '../../engine/engine.ts'
import { label } from '../../engine/labels.ts'
import { packageList, type StackDefinition } from './definition.ts'
import type { ImageFile } from './image-files.ts'
import { toolFiles, toolVersions } from './tools.ts'

/** How one image of a stack is made. */
export type Recipe = {
  /** The image's name, whose tag is the hash of all that goes into it. */
  reference: string
  /** For people: `debian-13 build image with libvips42`. */
  title: string
  /** What it is made on; undefined: a new Debian root file system. */
  base: Recipe | undefined
  /** Unpacked at the root before the commands run. */
  files(): Iterable<ImageFile>
  /** Run as root, in order. */
  commands: string[][]
  config: ImageConfig
}

export type Recipes = {
  /** The name of the root file system that all is made on. */
  rootfs: string
  run: (...layers: string[][]) => Recipe
  build: (...layers: string[][]) => Recipe
  /** What Dockerfiles are built in. */
  builder: Recipe
}

const scripts = 'usr/lib/paas/stack'
const bundle = '/etc/ssl/certs/ca-certificates.crt'

/**
 * The images of one stack: `run` is Debian with the run packages, `build` is `run` with the build
 * packages and our own tools, and either with further packages lies on top of it.
 * @param certificates PEM, what the machine trusts beyond Debian's own
 */
export function recipesFor(stack: StackDefinition, certificates: string[]): Recipes {
  const config = imageConfig(stack, certificates)
  const contents = (...names: string[]): unknown[] => names.map((name) => stack.files[name])
  const rootfs = reference(stack, 'rootfs', [
    process.arch,
    ...contents('suite', 'base-packages', 'apt.conf', 'dpkg.cfg'),
  ])
  const run: Recipe = {
    reference: reference(stack, 'run', [rootfs, contents('prepare', 'install'), stack.packages.run, certificates]),
    title: `${stack.name} run image`,
    base: undefined,
    files: () => [...scriptFiles(stack), ...certificateFiles(certificates)],
    commands: [[`/${scripts}/prepare`], install(stack.packages.run)],
    config,
  }
  const build: Recipe = {
    reference: reference(stack, 'build', [run.reference, stack.packages.build, toolVersions()]),
    title: `${stack.name} build image`,
    base: run,
    files: toolFiles,
    commands: [install(stack.packages.build)],
    config,
  }
  const builder: Recipe = {
    reference: reference(stack, 'builder', [run.reference, stack.packages.builder, contents('builder')]),
    title: `${stack.name} builder image`,
    base: run,
    files: () => [scriptFile(stack, 'builder')],
    commands: [install(stack.packages.builder), [`/${scripts}/builder`]],
    config,
  }
  return { rootfs, run: extend(stack, 'run', run), build: extend(stack, 'build', build), builder }
}

/**
 * The image with further packages, a layer for each list that has any which those below it lack.
 */
function extend(stack: StackDefinition, kind: 'run' | 'build', base: Recipe): (...layers: string[][]) => Recipe {
  return (...layers) => {
    const own = new Set(kind === 'run' ? stack.packages.run : [...stack.packages.run, ...stack.packages.build])
    return layers.reduce((below, packages) => {
      const further = packageList(packages).filter((name) => !own.has(name))
      if (further.length === 0) return below
      for (const name of further) own.add(name)
      return {
        reference: reference(stack, kind, [below.reference, further]),
        title: `${below.title} ${below === base ? 'with' : 'and'} ${further.join(', ')}`,
        base: below,
        files: () => [],
        commands: [install(further)],
        config: base.config,
      }
    }, base)
  }
}

/**
 * The same with Debian's updates, as one layer on top. Not on what was patched before: images would
 * grow by a layer each time.
 * @param snapshot names the state of Debian's index
 */
export function patched(stack: StackDefinition, recipe: Recipe, snapshot: string): Recipe {
  return {
    ...recipe,
    reference: `${recipe.reference.split(':')[0]}:${hashOf([recipe.reference, snapshot, stack.files['upgrade']])}`,
    title: `${recipe.title}, with Debian's updates`,
    base: recipe,
    files: () => [scriptFile(stack, 'upgrade')],
    commands: [[`/${scripts}/upgrade`]],
  }
}

/** Path in the images of what tells the updates, and its file. */
export function updatesScript(stack: StackDefinition): { path: string; file: ImageFile } {
  return { path: `/${scripts}/updates`, file: scriptFile(stack, 'updates') }
}

export function install(packages: string[]): string[] {
  return [`/${scripts}/install`, ...packages]
}

export function reference(stack: StackDefinition, kind: string, parts: unknown): string {
  return `paas/${stack.name}-${kind}:${hashOf(parts)}`
}

function hashOf(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}

function scriptFiles(stack: StackDefinition): ImageFile[] {
  return ['prepare', 'install'].map((name) => scriptFile(stack, name))
}

function scriptFile({ files }: StackDefinition, name: string): ImageFile {
  return { name: `${scripts}/${name}`, content: files[name] ?? '', mode: 0o755 }
}

function certificateFiles(certificates: string[]): ImageFile[] {
  return certificates.map((content, index) => ({
    name: `usr/local/share/ca-certificates/paas-${index + 1}.crt`,
    content,
  }))
}

/**
 * Tools that bring authorities of their own are told of the system's, where it has more than
 * Debian's.
 */
function imageConfig(stack: StackDefinition, certificates: string[]): ImageConfig {
  const trust = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE', 'PIP_CERT', 'CURL_CA_BUNDLE']
  return {
    labels: { [label.stack]: stack.name },
    env: {
      LANG: 'C.UTF-8',
      ...(certificates.length > 0 && Object.fromEntries(trust.map((name) => [name, bundle]))),
    },
    command: ['/bin/bash'],
    workingDirectory: '/app',
    user: 'app',
  }
}
