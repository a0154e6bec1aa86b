import type { Addon, AddonAttachment, AddonSecrets, AddonState } from '../model/addon.ts'
import type { AccountId, AddonAttachmentId, AddonId, AppId } from '../model/ids.ts'
import type { ConfigVars } from '../model/release.ts'
import type { Fill } from '../model/volume.ts'

export interface AddonRecords {
  /** Provisioning; with new secrets, unless it gets some. @throws name_taken */
  create(
    addon: Pick<
      Addon,
      'id' | 'appId' | 'accountId' | 'name' | 'service' | 'plan' | 'version' | 'host' | 'process' | 'extras'
    > &
      Partial<Pick<Addon, 'origin'>>,
    secrets?: AddonSecrets,
  ): Addon
  find(id: AddonId): Addon | undefined
  /** By id, name or host; not one that is going. */
  findNamed(idOrName: string): Addon | undefined
  /** Of one app or of all, those included that are going; oldest first. */
  list(appId?: AppId): Addon[]
  /** How many the apps of an account have. */
  countOf(ownerId: AccountId): number
  secrets(id: AddonId): AddonSecrets
  setSecrets(id: AddonId, secrets: AddonSecrets): void
  setState(id: AddonId, state: AddonState): void
  setExposed(id: AddonId, exposed: Addon['exposed']): void
  setHeld(id: AddonId, held: Addon['held']): void
  /** What was measured of its data. */
  recordBytes(id: AddonId, measured: { bytes: number; fill: Fill }): void
  /** @throws name_taken */
  update(id: AddonId, change: Partial<Pick<Addon, 'name' | 'plan' | 'extras'>>): Addon
  remove(id: AddonId): void
}

export interface AddonAttachmentRecords {
  /** @throws name_taken */
  create(attachment: Pick<AddonAttachment, 'addonId' | 'appId' | 'name'>): AddonAttachment
  find(id: AddonAttachmentId): AddonAttachment | undefined
  /** Oldest first. */
  list(filter?: { appId?: AppId; addonId?: AddonId }): AddonAttachment[]
  remove(id: AddonAttachmentId): void
  /**
   * The config vars that the app has of its add-ons, those that are being made excepted. Nobody
   * else sets or unsets them.
   */
  configOf(appId: AppId): ConfigVars
}
