import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Paths } from '../../paths.ts'
import { isCode, PaasError } from '../../errors.ts'
import type { RoutingTable } from '../../model/route.ts'
import { changeTable, isTableChange, type TableChange } from './table-change.ts'
import { SealedKeys } from './sealed-keys.ts'
import { isRoutingTable } from './table-schema.ts'

/** Where a table is saved, and the key that seals the private keys in it. */
export type TablePlace = Pick<Paths, 'routingTable' | 'routingTableKey'>

/** Changes of less than so many bytes are never reason to save the whole table. */
const fewBytes = 65_536

/**
 * The table as it was last saved.
 * @returns undefined when none was saved yet
 * @throws routing_table_invalid when the file is not one of ours
 */
export async function loadTable(place: TablePlace): Promise<RoutingTable | undefined> {
  const text = await readIfThere(place.routingTable)
  if (text === undefined) return undefined
  const saved = parse(text)
  if (!isRoutingTable(saved)) {
    throw new PaasError('routing_table_invalid', `${place.routingTable} holds no routing table.`)
  }
  const { edition, ...table } = saved as RoutingTable & { edition?: string }
  const changes = edition === undefined ? [] : await readChanges(place, edition)
  return new SealedKeys(place.routingTableKey).open(changes.reduce(changeTable, table))
}

/**
 * Keeps a table on the disk, so that a router starts from it. The file has a whole table of some
 * edition; a second one, of the same edition, has what changed since, a line for each change.
 */
export class TableFile {
  readonly #path: string
  readonly #keys: SealedKeys
  /** What the files are known to hold; undefined when the next save must be of the whole table. */
  #held: { edition: string; tableBytes: number; changesBytes: number } | undefined

  constructor({ routingTable, routingTableKey }: TablePlace) {
    this.#path = routingTable
    this.#keys = new SealedKeys(routingTableKey)
  }

  /** Whole or not at all, also when the machine stops in between. @throws disk_full */
  async save(table: RoutingTable): Promise<void> {
    const edition = randomUUID()
    const text = JSON.stringify({ ...this.#keys.seal(table), edition })
    await this.#durably(() => replaceFile(this.#path, text))
    this.#held = { edition, tableBytes: text.length, changesBytes: 0 }
  }

  /**
   * Costs what the change is long, except when changes have become longer than the table: then the
   * whole is saved.
   * @param table after the change
   * @throws disk_full
   */
  async saveChange(change: TableChange, table: RoutingTable): Promise<void> {
    const { appId, route } = change
    const line = `${JSON.stringify({ appId, route: route && this.#keys.sealRoute(route) })}\n`
    const held = this.#held
    if (held === undefined || held.changesBytes + line.length > Math.max(held.tableBytes, fewBytes)) {
      return this.save(table)
    }
    const begin = held.changesBytes === 0
    const text = begin ? `${JSON.stringify({ edition: held.edition })}\n${line}` : line
    await this.#durably(() => appendTo(changesOf(this.#path), text, begin))
    this.#held = { ...held, changesBytes: held.changesBytes + text.length }
  }

  async #durably(write: () => Promise<void>): Promise<void> {
    this.#held = undefined // the last line may be incomplete
    try {
      await write()
    } catch (cause) {
      if (!isCode(cause, 'ENOSPC', 'EDQUOT')) throw cause
      throw new PaasError('disk_full', `No space is left to save the routing table in ${this.#path}.`, { cause })
    }
  }
}

function changesOf(path: string): string {
  return `${path}.changes`
}

/** Up to the first line that is not whole: what came after it was never said to be saved. */
async function readChanges({ routingTable }: TablePlace, edition: string): Promise<TableChange[]> {
  const lines = ((await readIfThere(changesOf(routingTable))) ?? '').split('\n')
  const [first, ...values] = lines.map(parse)
  if ((first as { edition?: unknown } | undefined)?.edition !== edition) return []
  const end = values.findIndex((value) => !isTableChange(value))
  return values.slice(0, end === -1 ? undefined : end) as TableChange[]
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return undefined
    throw cause
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.new`
  try {
    await write(draft, 'w', text, (file) => file.sync())
    await rename(draft, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

async function appendTo(path: string, text: string, begin: boolean): Promise<void> {
  await write(path, begin ? 'w' : 'a', text, (file) => file.datasync())
  if (begin) await syncDirectory(dirname(path))
}

async function write(path: string, flags: 'w' | 'a', text: string, sync: (file: FileHandle) => Promise<void>) {
  await using file = await open(path, flags, 0o600)
  await file.writeFile(text)
  await sync(file)
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON; the caller reports that it is no table
  }
}
