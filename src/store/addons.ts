import { PaasError } from '../errors.ts'
import { newSecrets, type Addon, type AddonSecrets, type AddonState, type AddonWork } from '../model/addon.ts'
import type { AddonOrigin } from '../model/addon-backup.ts'
import type { AccountId, AddonId, AppId } from '../model/ids.ts'
import type { Fill } from '../model/volume.ts'
import type { Cipher } from '../cipher.ts'
import type { AddonRecords } from './addon-records.ts'
import { isDuplicate, type Database } from './database.ts'

type AddonRow = {
  id: AddonId
  app_id: AppId
  account_id: AccountId | null
  name: string
  service: string
  plan: string
  version: string | null
  host: string
  process: string
  state: AddonState['kind']
  work: AddonWork | null
  reason: string | null
  origin: string | null
  extras: string
  exposed: string | null
  fill: Fill
  held: Addon['held']
  bytes: number | null
  created_at: number
  updated_at: number
}

const columns =
  'id, app_id, account_id, name, service, plan, version, host, process, state, work, reason, origin, extras, exposed, fill, held, bytes, created_at, updated_at'

export function openAddonRecords(db: Database, cipher: Cipher): AddonRecords {
  const find = (id: AddonId): Addon | undefined => {
    const row = db.get<AddonRow>(`SELECT ${columns} FROM addons WHERE id = :id`, { id })
    return row && toAddon(row)
  }
  return {
    create: ({ origin = null, ...addon }, secrets = newSecrets()) =>
      unlessTaken(addon.name, () =>
        db.change<AddonRow>(
          `INSERT INTO addons (id, app_id, account_id, name, service, plan, version, host, process, extras, secrets, origin, created_at, updated_at)
           VALUES (:id, :appId, :accountId, :name, :service, :plan, :version, :host, :process, :extras, :secrets, :origin, :now, :now)
           RETURNING ${columns}`,
          {
            ...addon,
            extras: JSON.stringify(addon.extras),
            origin: origin && JSON.stringify(origin),
            secrets: seal(cipher, addon.id, secrets),
            now: Date.now(),
          },
        ),
      ),
    find,
    findNamed: (idOrName) => {
      const row = db.get<AddonRow>(
        `SELECT ${columns} FROM addons WHERE (id = :idOrName OR name = :idOrName OR host = :idOrName) AND state != 'deprovisioned'`,
        { idOrName },
      )
      return row && toAddon(row)
    },
    list: (appId) =>
      db
        .all<AddonRow>(
          `SELECT ${columns} FROM addons WHERE :appId IS NULL OR app_id = :appId ORDER BY created_at, rowid`,
          { appId: appId ?? null },
        )
        .map(toAddon),
    countOf: (ownerId) =>
      db.get<{ n: number }>(
        `SELECT count(*) AS n FROM addons JOIN apps ON apps.id = app_id
         WHERE apps.owner_id = :ownerId AND state != 'deprovisioned'`,
        { ownerId },
      )?.n ?? 0,
    secrets: (id) => readSecrets(db, cipher, id),
    setSecrets: (id, secrets) => {
      db.run('UPDATE addons SET secrets = :secrets, updated_at = :now WHERE id = :id', {
        id,
        secrets: seal(cipher, id, secrets),
        now: Date.now(),
      })
    },
    setState: (id, state) => {
      db.run('UPDATE addons SET state = :state, work = :work, reason = :reason, updated_at = :now WHERE id = :id', {
        id,
        state: state.kind,
        work: state.kind === 'provisioned' ? state.work : null,
        reason: state.kind === 'failed' ? state.reason : null,
        now: Date.now(),
      })
    },
    recordBytes: (id, { bytes, fill }) => {
      // Unchanged most of the time, which needs no write.
      db.run(
        'UPDATE addons SET bytes = :bytes, fill = :fill WHERE id = :id AND (bytes IS NOT :bytes OR fill != :fill)',
        {
          id,
          bytes,
          fill,
        },
      )
    },
    setExposed: (id, exposed) => {
      db.run('UPDATE addons SET exposed = :exposed, updated_at = :now WHERE id = :id', {
        id,
        exposed: exposed && JSON.stringify(exposed),
        now: Date.now(),
      })
    },
    setHeld: (id, held) => {
      db.run('UPDATE addons SET held = :held WHERE id = :id', { id, held })
    },
    update: (id, change) =>
      db.transaction(() => {
        const present = find(id)
        if (!present) throw new PaasError('addon_not_found', 'The add-on no longer exists.')
        const { name, plan, extras } = { ...present, ...change }
        return unlessTaken(name, () =>
          db.change<AddonRow>(
            `UPDATE addons SET name = :name, plan = :plan, extras = :extras, updated_at = :now WHERE id = :id RETURNING ${columns}`,
            { id, name, plan, extras: JSON.stringify(extras), now: Date.now() },
          ),
        )
      }),
    remove: (id) => {
      db.run('DELETE FROM addons WHERE id = :id', { id })
    },
  }
}

export function readSecrets(db: Database, cipher: Cipher, id: AddonId): AddonSecrets {
  const row = db.get<{ secrets: Uint8Array }>('SELECT secrets FROM addons WHERE id = :id', { id })
  if (!row) throw new PaasError('addon_not_found', 'The add-on no longer exists.')
  return JSON.parse(cipher.open(row.secrets, 'add-on', id)) as AddonSecrets
}

function seal(cipher: Cipher, id: AddonId, secrets: AddonSecrets): Buffer {
  return cipher.seal(JSON.stringify(secrets), 'add-on', id)
}

function unlessTaken(name: string, write: () => AddonRow | undefined): Addon {
  try {
    const row = write()
    if (row) return toAddon(row)
  } catch (cause) {
    if (!isDuplicate(cause)) throw cause
    throw new PaasError('name_taken', `There is an add-on ${name} already.`, { hint: 'Choose another name.', cause })
  }
  throw new PaasError('internal', `The add-on ${name} was not recorded.`)
}

function toAddon(row: AddonRow): Addon {
  return {
    id: row.id,
    appId: row.app_id,
    accountId: row.account_id,
    name: row.name,
    service: row.service,
    plan: row.plan,
    version: row.version,
    host: row.host,
    process: row.process,
    state: stateOf(row),
    origin: row.origin === null ? null : (JSON.parse(row.origin) as AddonOrigin),
    extras: JSON.parse(row.extras) as string[],
    exposed: row.exposed === null ? null : (JSON.parse(row.exposed) as NonNullable<Addon['exposed']>),
    fill: row.fill,
    held: row.held,
    bytes: row.bytes,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}

function stateOf({ state, work, reason }: AddonRow): AddonState {
  switch (state) {
    case 'provisioned':
      return { kind: state, work }
    case 'failed':
      return { kind: state, reason: reason ?? '' }
    case 'provisioning':
    case 'deprovisioned':
      return { kind: state }
  }
}
