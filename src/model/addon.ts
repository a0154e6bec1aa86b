import { randomBytes, randomInt } from 'node:crypto'
import type { AddonOrigin } from './addon-backup.ts'
import type { AccountId, AddonAttachmentId, AddonId, AppId } from './ids.ts'
import type { ConfigVars } from './release.ts'
import type { Fill } from './volume.ts'

/** A database or cache of an app, made of a service with a plan. It goes with its app. */
export type Addon = {
  id: AddonId
  appId: AppId
  /** Who made it; null when that account is gone. */
  accountId: AccountId | null
  /** No two of a server have the same. */
  name: string
  /** As the service's manifest has it: `heroku-postgresql`. */
  service: string
  /** The plan's name without the service's: `essential-0`. */
  plan: string
  /** Of its service; null: the only one that there is. */
  version: string | null
  /** The name by which the apps that it is attached to reach it. Stays when it is renamed. */
  host: string
  /** What its lines in the log come from: `postgresql.1`. */
  process: string
  state: AddonState
  /** What a fork was made from. */
  origin: AddonOrigin | null
  /** Options of its service that it was asked for with: `postgis`. */
  extras: string[]
  /** Where it is reached from outside, which its owner opened. */
  exposed: { port: number; networks: string[] } | null
  fill: Fill
  /** Read-only, since another one takes or took its place; `ending`: it is to be written again. */
  held: 'no' | 'yes' | 'ending'
  /** What its data takes of the disk; null: not measured yet. */
  bytes: number | null
  createdAt: Date
  updatedAt: Date
}

export type AddonState =
  /** The worker makes it, as often as it takes, or says why it cannot be made. */
  | { kind: 'provisioning' }
  /** `work` is still to be done: a new password, an empty database. */
  | { kind: 'provisioned'; work: AddonWork | null }
  | { kind: 'failed'; reason: string }
  /** What it has in the engine goes; then its row. */
  | { kind: 'deprovisioned' }

export type AddonWork = 'rotate' | 'reset'

/** What an app calls an add-on that it uses. */
export type AddonAttachment = {
  id: AddonAttachmentId
  addonId: AddonId
  appId: AppId
  /** `DATABASE`: its config var is `DATABASE_URL`. */
  name: string
  createdAt: Date
  updatedAt: Date
}

/** Kept encrypted. `next` is the password that a rotation is setting. */
export type AddonSecrets = {
  user: string
  password: string
  next?: string
  database: string
  /** What its archive is encrypted with; one that was made before there were archives has none. */
  backupKey?: string
  /** What follows the attachment's name → value: `URL`. Empty until it is provisioned. */
  config: ConfigVars
}

/** As Heroku's look. */
export function newSecrets(): AddonSecrets {
  return { user: `u${hex(7)}`, password: newPassword(), database: `d${hex(7)}`, backupKey: newBackupKey(), config: {} }
}

export function newBackupKey(): string {
  return hex(32)
}

export function newPassword(): string {
  return `p${hex(32)}`
}

function hex(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}

/** The config vars that an attachment gives its app. */
export function attachedVars({ name }: Pick<AddonAttachment, 'name'>, config: ConfigVars): ConfigVars {
  return Object.fromEntries(Object.entries(config).map(([suffix, value]) => [`${name}_${suffix}`, value]))
}

/** Of the add-ons of one account, in all its apps. */
export const mostAddons = 40

/** Of names of add-ons; as long as DNS allows. */
export const addonNamePattern = /^[a-z][a-z0-9-]{0,61}[a-z0-9]$/
/** Of names of attachments: config vars begin with them. */
export const attachmentNamePattern = /^[A-Z][A-Z0-9_]{0,99}$/

const shapes =
  'angular,asymmetrical,concave,contoured,convex,cubed,curved,cylindrical,deep,encircled,flat,fluted,globular,horizontal,infinite,lively,metric,octagonal,opaque,parallel,pointy,polished,rectangular,reticulated,round,shallow,shaped,solid,spherical,spiral,square,symmetrical,tapered,transparent,trapezoidal,triangular,vertical'.split(
    ',',
  )

/** `postgresql-round-12345`, as Heroku names them. */
export function generateAddonName(family: string): string {
  return `${family}-${shapes[randomInt(shapes.length)]}-${randomInt(10_000, 100_000)}`
}

const colors =
  'AMBER,AQUA,BLACK,BLUE,BRONZE,BROWN,CHARCOAL,COBALT,COPPER,CRIMSON,CYAN,GOLD,GRAY,GREEN,IVORY,JADE,MAROON,MAUVE,NAVY,OLIVE,ONYX,ORANGE,PINK,PUCE,PURPLE,RED,ROSE,SILVER,TEAL,WHITE,YELLOW'.split(
    ',',
  )

/**
 * A name for one more attachment of a service to an app: the service's own if it is free, else one
 * with a colour: `HEROKU_POSTGRESQL_JADE`.
 */
export function freeAttachmentName(
  { attachment, further }: { attachment: string; further: string },
  taken: ReadonlySet<string>,
): string {
  if (!taken.has(attachment)) return attachment
  const colored = colors.map((color) => `${further}_${color}`).filter((name) => !taken.has(name))
  return colored[randomInt(Math.max(colored.length, 1))] ?? `${further}_${randomInt(10_000, 100_000)}`
}
