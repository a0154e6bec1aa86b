import { randomUUID } from 'node:crypto'

declare const brand: unique symbol
type Id<Noun extends string> = string & { readonly [brand]: Noun }

export type AppId = Id<'app'>
export type AccountId = Id<'account'>
export type TokenId = Id<'token'>
export type BuildId = Id<'build'>
export type SlugId = Id<'slug'>
export type ReleaseId = Id<'release'>
export type AppTransferId = Id<'app transfer'>
export type KeyId = Id<'key'>
export type FormationId = Id<'formation'>
export type CollaboratorId = Id<'collaborator'>
export type DrainId = Id<'drain'>
export type SourceId = Id<'source'>
export type WebhookId = Id<'webhook'>
export type WebhookEventId = Id<'webhook event'>
export type WebhookDeliveryId = Id<'webhook delivery'>
export type DomainId = Id<'domain'>
export type SniEndpointId = Id<'sni endpoint'>
export type ManagedCertificateId = Id<'managed certificate'>
export type AppSetupId = Id<'app set-up'>
export type OneOffId = Id<'one-off'>
export type VolumeId = Id<'volume'>
export type VolumeCopyId = Id<'volume copy'>
export type VolumeProofId = Id<'proof of a volume'>
export type StackUpgradeId = Id<'stack upgrade'>
export type AddonId = Id<'add-on'>
export type AddonBackupId = Id<'backup of an add-on'>
export type AddonUpgradeId = Id<'upgrade of an add-on'>
export type AddonProofId = Id<'proof of a backup'>
export type AddonAttachmentId = Id<'add-on attachment'>
export type DataTransferId = Id<'data transfer'>

/** A new UUID (v4), typed by what it identifies: `newId<AppId>()`. */
export function newId<T extends string>(): T {
  return randomUUID() as T
}
