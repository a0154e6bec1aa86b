import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { define, type Options } from '../command.ts'
import { chooseOne } from '../ids.ts'
import { heading, note, print, progress, table } from '../output.ts'
import type { KeyJson } from '../resources/accounts.ts'
import { connect } from '../session.ts'

/** Where ssh-keygen puts what it makes, the newest kind first. */
const usualFiles = ['id_ed25519.pub', 'id_ecdsa.pub', 'id_rsa.pub'].map((name) => join(homedir(), '.ssh', name))

export function defineKeys(program: Command): void {
  define(program, {
    name: 'keys',
    summary: 'list your public SSH keys',
    details: 'They are stored but not used: git is served over HTTP only, with tokens.',
    examples: ['paas keys'],
  }).action(list)

  define(program, {
    name: 'keys:add',
    arguments: '[file]',
    summary: 'add a public SSH key',
    details: 'Without a file, adds the first that exists of ~/.ssh/id_ed25519.pub, id_ecdsa.pub and id_rsa.pub.',
    examples: ['paas keys:add', 'paas keys:add ~/.ssh/work.pub'],
  }).action(add)

  define(program, {
    name: 'keys:remove',
    arguments: '<key>',
    summary: 'remove a public SSH key',
    details: 'Name the key by its comment, fingerprint or id.',
    examples: ['paas keys:remove ada@laptop'],
  }).action(remove)
}

async function list(options: Options): Promise<void> {
  const keys = await connect().get<KeyJson[]>('/account/keys')
  if (keys.length === 0) note('You have no SSH keys.')
  print(options, keys, () =>
    keys.length === 0
      ? []
      : [
          heading('SSH Keys'),
          ...table(keys.map(({ public_key, fingerprint, comment }) => [typeOf(public_key), fingerprint, comment])),
        ],
  )
}

async function add(file: string | undefined, options: Options): Promise<void> {
  const { path, text } = file === undefined ? findKey() : { path: file, text: readKey(file) }
  const made = connect().post<KeyJson>('/account/keys', { public_key: text })
  print(options, await progress(`Adding ${path}`, made, ({ fingerprint }) => fingerprint), () => '')
}

async function remove(named: string, options: Options): Promise<void> {
  const api = connect()
  const key = chooseOne(await api.get<KeyJson[]>('/account/keys'), named, {
    what: 'key',
    see: 'paas keys',
    namesOf: ({ id, comment, fingerprint }) => [id, comment, fingerprint],
  })
  const removed = api.delete<KeyJson>(`/account/keys/${key.id}`)
  print(options, await progress(`Removing ${key.fingerprint}`, removed), () => '')
}

function findKey(): { path: string; text: string } {
  for (const path of usualFiles) {
    const text = readIfThere(path)
    if (text !== undefined) return { path, text }
  }
  throw new PaasError('input_missing', `There is no public key in ${join(homedir(), '.ssh')}.`, {
    hint: 'Create one with ssh-keygen, or name its file: paas keys:add FILE',
  })
}

function readKey(path: string): string {
  const text = readIfThere(path)
  if (text !== undefined) return text
  throw new PaasError('input_missing', `There is no file ${path}.`, { hint: 'Give the .pub file of a key.' })
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new PaasError('input_missing', `${path} cannot be read: ${(cause as Error).message}.`, { cause })
  }
}

function typeOf(publicKey: string): string {
  return publicKey.split(' ')[0] ?? ''
}
