import { attach } from './attach.ts'
import type { Client } from './client.ts'
import { Exit } from './exit.ts'
import { note } from './output.ts'

type Attached = { url: string; raw: boolean; what: string; input?: NodeJS.ReadStream }

/**
 * Connects this terminal, or these pipes, with what `url` leads to.
 * @throws Exit with the status of what ran, unless that is 0
 */
export async function attachHere(api: Client, { url, raw, what, input }: Attached): Promise<void> {
  const { stdin, stdout, stderr } = process
  const token = new URL(url).pathname.slice(1)
  const socket = await api.upgrade(token, raw ? `${stdout.columns}x${stdout.rows}` : '')
  const running = (): void => {
    if (stderr.isTTY) note(what)
  }
  const status = await attach(socket, { stdin: input ?? stdin, stdout, stderr, raw }, running)
  if (status !== 0) throw new Exit(status)
}
