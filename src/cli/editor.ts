import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PaasError } from '../errors.ts'

/**
 * Has the user edit a text in $VISUAL, $EDITOR or vi, in a file that nobody else can read, and
 * gives what `use` makes of it. If that throws, the file stays, so that nothing that was typed is
 * lost.
 * @param name of the file, by whose ending editors know what it is
 * @throws input_missing when the editor fails, and nothing is to be done
 */
export async function edit<T>(text: string, name: string, use: (edited: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'paas-edit-'))
  const path = join(directory, name)
  await writeFile(path, text, { mode: 0o600 })
  try {
    await openEditor(path)
    const result = await use(await readFile(path, 'utf8'))
    await rm(directory, { recursive: true })
    return result
  } catch (cause) {
    if ((await readFile(path, 'utf8').catch(() => text)) === text) await rm(directory, { recursive: true })
    else process.stderr.write(`Your text is in ${path}; remove the file when you no longer need it.\n`)
    throw cause
  }
}

/** By a shell, since the settings may have arguments: `code --wait`. */
async function openEditor(path: string): Promise<void> {
  const editor = process.env['VISUAL'] || process.env['EDITOR'] || 'vi'
  const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', path], { stdio: 'inherit' })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === 0) return
  throw new PaasError(
    'input_missing',
    `The editor (${editor}) ended with ${code ?? 'a signal'}; nothing was changed.`,
    {
      hint: 'Choose another one with EDITOR.',
    },
  )
}
