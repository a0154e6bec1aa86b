import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PaasError } from '../../errors.ts'
import type { StackDefinition } from './definition.ts'
import { mirrorLines } from './mirror.ts'

/** A tar of a Debian root file system in a temporary file; disposal removes it. */
export type Rootfs = AsyncDisposable & { path: string }

/**
 * Makes a minimal Debian with mmdebstrap, from the machine's own mirror or the default one.
 * @throws stack_unavailable with the last line of mmdebstrap
 */
export async function makeRootfs(stack: StackDefinition, onProgress: (line: string) => void): Promise<Rootfs> {
  const directory = await mkdtemp(join(tmpdir(), 'paas-rootfs-'))
  const rootfs = {
    path: join(directory, 'rootfs.tar'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
  try {
    await mmdebstrap([...optionsFor(stack), stack.suite, rootfs.path, ...(await mirrorLines(stack.suite))], onProgress)
    return rootfs
  } catch (cause) {
    await rootfs[Symbol.asyncDispose]()
    throw cause
  }
}

/** It then needs a range of user ids and the programs to use it (mmdebstrap(1), unshare mode). */
const withoutRoot = 'Run bin/setup once as root, or install the package uidmap.'

function optionsFor({ directory, packages }: StackDefinition): string[] {
  return [
    '--variant=minbase',
    `--include=${packages.base.join(',')}`,
    `--aptopt=${join(directory, 'apt.conf')}`,
    `--dpkgopt=${join(directory, 'dpkg.cfg')}`,
  ]
}

async function mmdebstrap(argv: string[], onProgress: (line: string) => void): Promise<void> {
  const child = spawn('mmdebstrap', argv, { stdio: ['ignore', 'ignore', 'pipe'] })
  let last = ''
  createInterface({ input: child.stderr }).on('line', (line) => {
    const text = line.replace(/^[IWE]: /, '')
    if (line.startsWith('I: ')) onProgress(text)
    else if (text.trim() !== '') last = text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === 0) return
  const message = `mmdebstrap could not make a Debian root file system (exit ${code}): ${last}`
  throw new PaasError('stack_unavailable', message, process.getuid?.() === 0 ? {} : { hint: withoutRoot })
}
