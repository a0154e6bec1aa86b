import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { pack } from 'tar-stream'
import { PaasError } from '../../errors.ts'
import type { SandboxSpec } from '../engine.ts'
import { ownCache } from './cache.ts'
import { readFrames } from './frames.ts'

/**
 * What a sandbox runs. It takes the secrets from its standard input, where neither the engine's records nor a layer
 * nor the process list has them (the engine's archive call does not reach a tmpfs); says what it found; and idles.
 */
const script = `
if [ -n "$1" ]; then tar -x --no-same-owner -f - -C "$1" || exit; fi
if [ -n "$2" ] && [ ! -w "$2" ]; then echo foreign cache; fi
echo ready
exec sleep infinity
`

export function idleCommand({ secretsAt, cacheAt }: SandboxSpec): Docker.ContainerCreateOptions {
  return {
    Entrypoint: [],
    Cmd: ['/bin/sh', '-c', script, 'sandbox', secretsAt?.path ?? '', cacheAt ?? ''],
    OpenStdin: true,
    StdinOnce: true,
  }
}

/** Starts the container and resolves when its secrets are in place and its cache is the tenant's. */
export async function startIdle(container: Docker.Container, spec: SandboxSpec): Promise<void> {
  const streams = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true }
  const stream = (await container.attach(streams)) as Duplex
  try {
    await container.start()
    stream.end(await secretsArchive(spec.secretsAt?.files ?? {}))
    const said = await listen(stream)
    if (said.includes('foreign cache\n') && spec.cacheAt) await ownCache(container, spec.cacheAt)
  } finally {
    stream.destroy()
  }
}

async function listen(stream: Duplex): Promise<string> {
  let said = ''
  for await (const { data } of readFrames(stream)) {
    said += data.toString()
    if (said.endsWith('ready\n')) return said
  }
  throw new PaasError('internal', `A sandbox did not start: ${said.trim().slice(0, 500) || 'it said nothing'}`)
}

async function secretsArchive(files: Record<string, string>): Promise<Buffer> {
  const archive = pack()
  for (const [name, content] of Object.entries(files)) archive.entry({ name, mode: 0o600 }, content)
  archive.finalize()
  return buffer(archive)
}
