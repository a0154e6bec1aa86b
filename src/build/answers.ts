import { PassThrough } from 'node:stream'
import type { AnyPack, NamedPack } from './detect.ts'
import { isCommit } from './pack-commits.ts'
import { treePath, type KeptTree, type Tree } from './trees.ts'

/** The most bytes of a line, and of bin/release; packs answer a few lines. */
const mostBytes = 64 * 1024

/**
 * Called when the first pack is about to run, or none is, for each line of what a pack says of its
 * work, for each part of a tree that is there while packs go on, and when all are done.
 */
type Events = {
  compiling: () => void
  reported: (line: string) => void
  part: (tree: KeptTree, part: number) => void
  done: () => void
}

/** Parts of a tree. */
const mostParts = 16

/** Lines of all packs' reports that are passed on. */
const mostReports = 50

/** What is said of a pack. */
type Verdict = { pack: AnyPack; text: string }

/**
 * What `buildpacks/bin/build` says on its standard error, of which the build's own code may have
 * forged any part: it decides about its own app only.
 */
export class Answers {
  readonly packs: NamedPack[] = []
  /** A pack was detected, or none can be. */
  complete = false
  /** Empty: none can build the app, though one has added to it. */
  undetected: string | undefined
  unusable: Verdict | undefined
  failed: Verdict | undefined
  /** The stack of Heroku's that a pack is made for which failed, or detected nothing. */
  stack: Verdict | undefined
  /** The commits of packs that were fetched from a repository. */
  readonly commits = new Map<string, string>()
  /** YAML of bin/release. */
  release = ''
  /** The part of the build directory that is a layer of its own; its tar is in the sandbox. */
  tree: KeptTree | undefined
  /** Likewise one that only builds need: the slug has nothing of it. */
  spare: Tree | undefined
  /** A tar of the build directory, of the tree only what is not as in that. */
  readonly slug = stream()
  /** The most bytes of that, if it says so. */
  slugBytes: number | undefined
  readonly #asked: readonly AnyPack[]
  readonly #on: Events
  #pending = Buffer.alloc(0)
  /** Bytes of `release` that are still to come. */
  #releaseBytes = 0
  #isSlug = false
  #reports = 0

  constructor(asked: readonly AnyPack[], on: Events) {
    this.#asked = asked
    this.#on = on
  }

  /** @returns when more can be taken: a slug is not held in memory */
  feed(chunk: Buffer): Promise<void> | void {
    if (this.#isSlug) return pass(this.slug, chunk)
    this.#pending = Buffer.concat([this.#pending, chunk])
    while (this.#takeOne()) {
      if (!this.#isSlug) continue
      const rest = this.#pending
      this.#pending = Buffer.alloc(0)
      return this.feed(rest)
    }
    this.#pending = this.#pending.subarray(0, mostBytes)
  }

  /** All has been said. @param error why the slug is not whole */
  end(error?: Error): void {
    if (error) this.slug.destroy(error)
    else this.slug.end()
  }

  /** False when the next line, or part of bin/release, is not complete. */
  #takeOne(): boolean {
    const isRelease = this.#releaseBytes > 0
    const end = isRelease ? this.#releaseBytes : this.#pending.indexOf('\n') + 1
    if (end === 0 || end > this.#pending.length) return false
    const text = this.#pending.toString('utf8', 0, end)
    this.#pending = this.#pending.subarray(end)
    if (isRelease) this.release = text
    else this.#line(text.slice(0, -1))
    if (isRelease) this.#releaseBytes = 0
    return true
  }

  #line(line: string): void {
    const [, word, rest = ''] = /^(\w+)(?: (.*))?$/.exec(line) ?? []
    if (word === 'detected') this.#detected(rest)
    else if (word === 'undetected') this.undetected = rest
    else if (word === 'unusable') this.unusable = this.#verdict(rest)
    else if (word === 'fetched') this.#fetched(rest)
    else if (word === 'compiling') this.#compiling()
    else if (word === 'reported') this.#reported(rest)
    else if (word === 'failed') this.failed = this.#verdict(rest)
    else if (word === 'stack') this.stack = this.#verdict(rest)
    else if (word === 'release') this.#releaseBytes = Math.min(Number.parseInt(rest, 10) || 0, mostBytes)
    else if (word === 'part') this.#part(rest)
    else if (word === 'tree') this.#tree(rest)
    else if (word === 'spare') this.spare ??= treeOf(rest)
    else if (word === 'slug') this.#slugBegins(rest)
  }

  #fetched(rest: string): void {
    const { pack, text } = this.#verdict(rest) ?? {}
    if (pack && text && isCommit(text)) this.commits.set(pack, text)
  }

  #reported(rest: string): void {
    const { text } = this.#verdict(rest) ?? {}
    if (text && this.#reports++ < mostReports) this.#on.reported(text)
  }

  #compiling(): void {
    this.complete = true
    this.#on.compiling()
  }

  #part(rest: string): void {
    const [, id = '', part = '', of = ''] = /^(\S+) (\d{1,2}) (.*)$/.exec(rest) ?? []
    const tree = keptTreeOf(`${id} ${of}`)
    if (tree && !this.tree) this.#on.part(tree, Number(part))
  }

  #tree(rest: string): void {
    this.tree ??= keptTreeOf(rest)
    if (this.tree) this.#on.done()
  }

  #slugBegins(rest: string): void {
    this.#isSlug = true
    if (/^\d{1,12}$/.test(rest)) this.slugBytes = Number(rest)
    this.#on.done()
  }

  #detected(rest: string): void {
    const { pack, text } = this.#verdict(rest) ?? {}
    if (pack && text && this.packs.length < this.#asked.length) this.packs.push({ pack, name: text })
  }

  /** Undefined when it is about a pack that nobody asked for. */
  #verdict(rest: string): Verdict | undefined {
    const [, known, text = ''] = /^(\S+)(?: (.*))?$/.exec(rest) ?? []
    const pack = this.#asked.find((candidate) => candidate === known)
    return pack && { pack, text }
  }
}

function keptTreeOf(rest: string): KeptTree | undefined {
  const [, id = '', parts = '', path = ''] = /^(\S+) (\d{1,2}) (.*)$/.exec(rest) ?? []
  const tree = treeOf(`${id} ${path}`)
  const isSo = Number(parts) > 0 && Number(parts) <= mostParts
  return isSo && tree ? { ...tree, parts: Number(parts) } : undefined
}

function treeOf(rest: string): Tree | undefined {
  const [, id = '', place = ''] = /^([0-9a-f]{64}) (.*)$/.exec(rest) ?? []
  const path = treePath(place)
  return path && { path, id }
}

/**
 * Gives chunks as they come: a reader of bytes gets all that waits put together, which copies each
 * of them. Its failure goes to whoever reads it, if anybody does.
 */
function stream(): PassThrough {
  const sides = { writableHighWaterMark: 2 ** 20, readableHighWaterMark: 1, readableObjectMode: true }
  return new PassThrough(sides).on('error', () => undefined)
}

/** @returns when more can be taken */
function pass(to: PassThrough, chunk: Buffer): Promise<void> | void {
  if (to.destroyed || to.write(chunk)) return
  return new Promise((settle) => {
    const go = () => {
      to.off('drain', go).off('close', go)
      settle()
    }
    to.on('drain', go).on('close', go)
  })
}
