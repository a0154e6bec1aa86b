import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { withStreams } from '../../child-streams.ts'
import { PaasError } from '../../errors.ts'
import type { StackDefinition } from './definition.ts'
import { mirrorLines } from './mirror.ts'

/** What Debian's archive signs with; on other distributions apt trusts it only when told. */
export const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** A tar of a Debian root file system in a temporary file; disposal removes it. */
export type Rootfs = AsyncDisposable & { path: string }

/**
 * Makes a minimal Debian with mmdebstrap, from the machine's own mirror or the default one.
 * @throws stack_unavailable with what mmdebstrap says
 */
export async function makeRootfs(stack: StackDefinition, onProgress: (line: string) => void): Promise<Rootfs> {
  const directory = await mkdtemp(join(tmpdir(), 'paas-rootfs-'))
  const rootfs = {
    path: join(directory, 'rootfs.tar'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
  try {
    const mirror = await mirrorLines(stack.suite)
    const trust = mirror.length > 0 ? [] : [`--keyring=${debianKeyring}`]
    await mmdebstrap([...optionsFor(stack), ...trust, stack.suite, rootfs.path, ...mirror], onProgress)
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
  const child = withStreams(spawn('mmdebstrap', argv, { stdio: ['ignore', 'ignore', 'pipe'] }))
  const errors: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.startsWith('I: ')) onProgress(line.slice(3))
    if (line.startsWith('E: ')) errors.push(line.slice(3))
  })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === 0) return
  const message = `mmdebstrap could not make a Debian root file system (exit ${code}): ${errors.join('; ')}`
  throw new PaasError('stack_unavailable', message, process.getuid?.() === 0 ? {} : { hint: withoutRoot })
}
