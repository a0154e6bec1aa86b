import type { AppId, BuildId, OneOffId } from './ids.ts'

/**
 * What the queue carries: ids only. The database says what is to be done; a job only wakes the
 * worker, so a lost, doubled or late job changes nothing.
 *
 * - build: take the app's pending build through to serving.
 * - converge: make what runs equal to the database (newest release, formation, destroy).
 * - drains: deliver the app's log to the drains it has now.
 * - restart: replace dynos (all, a type, or one by name) by new ones of the same release; a one-off
 *   is stopped.
 * - run: start a one-off that nobody is attached to.
 * - addons: make what add-ons have equal to the database.
 * - certificates: get certificates for the names that are to have them.
 * - data: carry out the data transfers that are on record, and end those that are to be cancelled.
 * - volumes: make the copies of volumes that are on record.
 * - upgrade: carry out the stack upgrades that are on record.
 */
export type Job =
  | { kind: 'build'; appId: AppId; buildId: BuildId }
  | { kind: 'converge'; appId: AppId }
  | { kind: 'restart'; appId: AppId; dyno: string | null }
  | { kind: 'drains'; appId: AppId }
  | { kind: 'run'; appId: AppId; oneOffId: OneOffId }
  | { kind: 'upgrade' }
  | { kind: 'addons' }
  | { kind: 'certificates' }
  | { kind: 'data' }
  | { kind: 'volumes' }
