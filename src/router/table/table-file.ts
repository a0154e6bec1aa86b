import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Paths } from '../../config.ts'
import { isCode, PaasError } from '../../errors.ts'
import type { RoutingTable } from '../../model/route.ts'
import { SealedKeys } from './sealed-keys.ts'
import { isRoutingTable } from './table-schema.ts'

/** Where a table is saved, and the key that seals the private keys in it. */
export type TablePlace = Pick<Paths, 'routingTable' | 'routingTableKey'>

/**
 * The table as it was last saved.
 * @returns undefined when none was saved yet
 * @throws routing_table_invalid when the file is not one of ours
 */
export async function loadTable({
  routingTable: path,
  routingTableKey,
}: TablePlace): Promise<RoutingTable | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return undefined
    throw cause
  }
  const table = parse(text)
  if (isRoutingTable(table)) return new SealedKeys(routingTableKey).open(table)
  throw new PaasError('routing_table_invalid', `${path} holds no routing table.`)
}

/** Whole or not at all, also when the machine stops in between. @throws disk_full */
export async function saveTable(
  { routingTable: path, routingTableKey }: TablePlace,
  table: RoutingTable,
): Promise<void> {
  const draft = `${path}.new`
  try {
    await writeDurably(draft, JSON.stringify(new SealedKeys(routingTableKey).seal(table)))
    await rename(draft, path)
    await syncDirectory(dirname(path))
  } catch (cause) {
    await rm(draft, { force: true })
    if (!isCode(cause, 'ENOSPC', 'EDQUOT')) throw cause
    throw new PaasError('disk_full', `No space is left to save the routing table in ${path}.`, { cause })
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, 'w', 0o600)
  await file.writeFile(text)
  await file.sync()
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON: not a table, which the caller says
  }
}
