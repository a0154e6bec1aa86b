import type { EdgeRecords } from './edges.ts'
import type { OwnPageRecords } from './own-pages.ts'
import type { AppManifest } from '../model/app-json.ts'
import type { App } from '../model/app.ts'
import type { AppSetup, AppSetupState } from '../model/app-setup.ts'
import type { AppTransfer } from '../model/app-transfer.ts'
import type { Build, BuildState } from '../model/build.ts'
import type { BuildReport } from '../model/build-report.ts'
import type { Formation, DynoSize } from '../model/formation.ts'
import type { AccountId, AppId, AppSetupId, AppTransferId, BuildId, ReleaseId, SlugId, SourceId } from '../model/ids.ts'
import type { ConfigVars, Release, ReleaseState } from '../model/release.ts'
import type { BuildSource, Source } from '../model/source.ts'
import type { Slug } from '../model/slug.ts'
import type {
  AccountRecords,
  AccountUsageRecords,
  CollaboratorRecords,
  KeyRecords,
  TokenRecords,
  TwoFactorRecords,
} from './account-records.ts'
import type { AddonBackupRecords, AddonProofRecords, ArchiveFetchRecords } from './addon-backup-records.ts'
import type { AddonAttachmentRecords, AddonRecords } from './addon-records.ts'
import type { AddonUpgradeRecords } from './addon-upgrade-records.ts'
import type { AuditRecords } from './audit-records.ts'
import type { BackupScheduleRecords, DataTransferRecords } from './data-transfer-records.ts'
import type { DrainRecords, WebhookDeliveryRecords, WebhookRecords } from './delivery-records.ts'
import type { DynoStateRecords, OneOffRecords } from './dyno-records.ts'
import type { SlugDraftRecords, SlugRecords } from './slug-records.ts'
import type { StackPatchRecords, StackUpgradeRecords } from './stack-records.ts'
import type { DomainRecords, ManagedCertificateRecords, SniEndpointRecords } from './visitor-records.ts'
import type { VolumeCopyRecords, VolumeProofRecords, VolumeRecords } from './volume-records.ts'

/**
 * The database. Synchronous: a call that returned is on disk (WAL, synchronous=FULL). One file per
 * table implements each part; callers take only the parts they use.
 */
export interface Store extends Disposable {
  /**
   * Runs `work` in one IMMEDIATE transaction, rolled back if it throws. Nested calls join the outer
   * one.
   */
  transaction<T>(work: () => T): T
  /**
   * 32 bytes that only this server knows, the same at every start; a different value for each
   * purpose.
   */
  secretFor(purpose: string): Buffer
  /**
   * Checks the whole file, some milliseconds per MiB; damage is reported to the callback of the
   * opener.
   */
  check(): void
  /** Counts what any process recorded: with another number than before, something has changed. */
  commits(): number
  accounts: AccountRecords
  accountUsage: AccountUsageRecords
  tokens: TokenRecords
  twoFactors: TwoFactorRecords
  apps: AppRecords
  configVars: ConfigVarRecords
  builds: BuildRecords
  slugs: SlugRecords
  slugDrafts: SlugDraftRecords
  buildpacks: BuildpackRecords
  releases: ReleaseRecords
  formations: FormationRecords
  collaborators: CollaboratorRecords
  drains: DrainRecords
  domains: DomainRecords
  edges: EdgeRecords
  ownPages: OwnPageRecords
  sniEndpoints: SniEndpointRecords
  managedCertificates: ManagedCertificateRecords
  keys: KeyRecords
  sources: SourceRecords
  appSetups: AppSetupRecords
  appTransfers: AppTransferRecords
  webhooks: WebhookRecords
  webhookDeliveries: WebhookDeliveryRecords
  oneOffs: OneOffRecords
  dynoStates: DynoStateRecords
  stackPatches: StackPatchRecords
  stackUpgrades: StackUpgradeRecords
  volumes: VolumeRecords
  volumeCopies: VolumeCopyRecords
  volumeProofs: VolumeProofRecords
  addons: AddonRecords
  addonAttachments: AddonAttachmentRecords
  audit: AuditRecords
  dataTransfers: DataTransferRecords
  backupSchedules: BackupScheduleRecords
  addonBackups: AddonBackupRecords
  addonProofs: AddonProofRecords
  addonUpgrades: AddonUpgradeRecords
  archiveFetches: ArchiveFetchRecords
}

export interface AppRecords {
  /** With release v1 ("Initial release", succeeded). @throws name_taken */
  create(app: { name: string; ownerId: AccountId; stack: string }): App
  /** Finds by id or name, except apps being destroyed. */
  find(idOrName: string): App | undefined
  /** By id, those being destroyed included. For the worker. */
  get(id: AppId): App | undefined
  /** All, or those that an account owns or was let use. */
  list(filter?: { usableBy: AccountId }): App[]
  /** With those being destroyed. For the worker. */
  listAll(): App[]
  /** @throws name_taken */
  update(
    id: AppId,
    change: Partial<Pick<App, 'name' | 'deployBranch' | 'maintenance' | 'features' | 'stack' | 'acm' | 'https'>>,
  ): App
  /** The commit point of a deploy: in one transaction the release is current and succeeded. */
  setCurrentRelease(id: AppId, releaseId: ReleaseId): void
  setOwner(id: AppId, ownerId: AccountId): void
  markDestroying(id: AppId): void
  /** Removes the app and everything that belongs to it. */
  remove(id: AppId): void
}

export interface ConfigVarRecords {
  /** What the next release will hold, with what the app has of its add-ons. */
  get(appId: AppId): ConfigVars
  /** null unsets. Several keys in one call. */
  update(appId: AppId, change: Record<string, string | null>): ConfigVars
  /** Replaces all but those of its add-ons (rollback). */
  replace(appId: AppId, config: ConfigVars): void
}

export interface BuildRecords {
  /**
   * Inserts a pending build and supersedes the app's other pending ones, in one transaction; gives
   * both.
   */
  create(
    build: Pick<Build, 'appId' | 'accountId' | 'commit' | 'ref' | 'previousCommit' | 'noCache' | 'detached'> & {
      tarball?: BuildSource
      buildpacks?: Build['buildpacks']
    },
  ): { build: Build; superseded: Build[] }
  find(id: BuildId): Build | undefined
  /** Where its tarball is, for a build that has one. */
  source(id: BuildId): BuildSource | undefined
  /** Newest first. */
  list(appId: AppId): Build[]
  newest(appId: AppId): Build | undefined
  /** Pending or running, oldest first; of one app or of all. */
  listUnfinished(appId?: AppId): Build[]
  /** How many of all apps are in each state; of a state that none is in, nothing. */
  countStates(): Partial<Record<BuildState['kind'], number>>
  /**
   * pending → running, or running → running for a resume, with the next generation. One that a
   * newer build has overtaken before it served is superseded instead, its release failed.
   * undefined: it is finished.
   */
  claim(id: BuildId): Build | undefined
  /** Its holder leaves it to the next one. */
  giveBack(id: BuildId, generation: number): void
  /** A worker begins: what the one before has not given back counts as lost once more. */
  noteLosses(): void
  /**
   * Writes below hold while `generation` is the current one and no newer build has overtaken it;
   * false: change nothing more.
   */
  /** The commit that the build's tarball became. */
  recordCommit(id: BuildId, generation: number, commit: string): boolean
  recordSlug(id: BuildId, generation: number, slug: Slug): boolean
  recordRelease(id: BuildId, generation: number, releaseId: ReleaseId): boolean
  finish(
    id: BuildId,
    generation: number,
    state: Exclude<BuildState, { kind: 'pending' } | { kind: 'running' }>,
    report?: BuildReport,
  ): boolean
  /** How it went, once it is finished, if it ever ran. */
  report(id: BuildId): BuildReport | undefined
  /**
   * Whether a newer build for the same ref serves, or did: the ref is no longer this one's to move.
   */
  hasNewerServing(id: BuildId): boolean
  /** pending → cancelled at once; running → cancelRequested. Returns the build as it is then. */
  requestCancel(id: BuildId): Build | undefined
}

/** What an app is built with, in order; none: each build finds out. */
export interface BuildpackRecords {
  list(appId: AppId): string[]
  replace(appId: AppId, names: string[]): void
}

export interface ReleaseRecords {
  /** The next version of the app, pending. `config` is the snapshot it will run with, for good. */
  create(
    release: Pick<Release, 'appId' | 'slugId' | 'description' | 'accountId'> & {
      bringsCode?: boolean
      config: ConfigVars
    },
  ): Release
  find(id: ReleaseId): Release | undefined
  /** Finds by id, `v12` or `12`. */
  findIn(appId: AppId, idOrVersion: string): Release | undefined
  /** Newest first. */
  list(appId: AppId): Release[]
  /** Oldest first. */
  listPending(appId: AppId): Release[]
  config(id: ReleaseId): ConfigVars
  /** Its release command has ended well and is not to be run again. */
  recordCommand(id: ReleaseId): void
  /**
   * Replaces the code of a pending release after its own code failed; other releases stay as they
   * are.
   */
  replaceCode(id: ReleaseId, slugId: SlugId | null): void
  setState(id: ReleaseId, state: ReleaseState): void
}

export interface FormationRecords {
  list(appId: AppId): Formation[]
  /**
   * Adds types that are new (formationFor says how many of each) and removes those that are gone.
   */
  sync(appId: AppId, types: string[], asked?: AppManifest['formation']): Formation[]
  /** Adds a type that the app's first deploy is to have, with what that would start of it. */
  add(appId: AppId, type: string): Formation
  /** @throws not_found for a type the app does not have */
  scale(appId: AppId, changes: { type: string; quantity?: number; size?: DynoSize }[]): Formation[]
}

export interface SourceRecords {
  create(accountId: AccountId, expiresAt: Date): Source
  find(id: SourceId): Source | undefined
  listExpired(now: Date): Source[]
  /** How many places an account has, and what they hold or may grow to. */
  usage(accountId: AccountId): { count: number; bytes: number }
  /** empty → uploading, of which there is one at a time. False: it is not empty. */
  begin(id: SourceId, bytes: number): boolean
  complete(id: SourceId, bytes: number): void
  /** uploading → empty: it may be tried again. */
  giveUp(id: SourceId): void
  remove(id: SourceId): void
}

export interface AppSetupRecords {
  create(setup: Pick<AppSetup, 'appId' | 'accountId' | 'buildId'>): AppSetup
  find(id: AppSetupId): AppSetup | undefined
  findByBuild(id: BuildId): AppSetup | undefined
  /** Those the worker is not done with, of an account or of all; oldest first. */
  listOpen(accountId?: AccountId): AppSetup[]
  setState(id: AppSetupId, state: AppSetupState): void
}

/**
 * Offers of an app to another account; at most one of an app is pending. Those of apps being
 * destroyed are not seen.
 */
export interface AppTransferRecords {
  /** @throws name_taken while another one of the app is pending */
  create(transfer: Pick<AppTransfer, 'appId' | 'ownerId' | 'recipientId'>): AppTransfer
  /** All, or those that the account made or was sent; newest first. */
  list(accountId?: AccountId): AppTransfer[]
  setState(id: AppTransferId, state: AppTransfer['state']): AppTransfer
  remove(id: AppTransferId): void
}
