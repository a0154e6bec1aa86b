import type { Sandbox } from '../../engine/engine.ts'
import { PaasError } from '../../errors.ts'
import type { PackageUpdate } from '../../model/stack.ts'
import { tarOf, type ImageFile } from './image-files.ts'
import type { StackUpdates } from './stack.ts'

type Asked = { path: string; file: ImageFile; states: Buffer[] }

/**
 * Has apt say what it would upgrade, so that versions are compared as dpkg does and as the mirrors
 * of the image have them. Nothing of what the states say runs.
 * @throws stack_unavailable with what apt says
 */
export async function askForUpdates(
  sandbox: Sandbox,
  { path, file, states }: Asked,
  signal: AbortSignal,
): Promise<StackUpdates> {
  const files = states.map((content, index) => ({ name: `tmp/states/${index}`, content }))
  await sandbox.put('/', tarOf([file, ...files]))
  const output = { stdout: '', stderr: '' }
  const argv = [path, ...files.map(({ name }) => `/${name}`)]
  const { code } = await sandbox.exec(
    { argv, user: 'root' },
    (chunk, stream) => void (output[stream] += chunk.toString()),
    signal,
  )
  if (code === 0) return parseUpdates(output.stdout)
  const reason = output.stderr.trim().split('\n').slice(-3).join(' ')
  throw new PaasError('stack_unavailable', `Debian's updates could not be looked up: ${reason}`, {
    hint: 'Try again when the mirror can be reached.',
  })
}

/** `Inst NAME [INSTALLED] (AVAILABLE ORIGIN:RELEASE/SUITE, … [ARCH])` (apt-get(8), --simulate). */
const upgrade = /^Inst (\S+) \[([^\]]+)\] \((\S+) ([^[]*)/

/** What `stack/…/updates` prints. */
export function parseUpdates(text: string): StackUpdates {
  const [head = '', ...parts] = text.split(/^State .*\n/m)
  const snapshot = /^Index ([0-9a-f]{16})$/m.exec(head)?.[1]
  if (snapshot === undefined) throw new PaasError('internal', 'The state of Debian’s index was not said.')
  return { snapshot, updates: parts.map((part) => part.split('\n').flatMap(updateIn)) }
}

function updateIn(line: string): PackageUpdate[] {
  const [, name, installed, available, origins] = upgrade.exec(line) ?? []
  if (!name || !installed || !available) return []
  return [{ package: name, installed, available, security: /Debian-Security:|-security\b/.test(origins ?? '') }]
}
