/**
 * What is counted for an account, of all apps that it owns; `dynos` are those that its formations
 * ask for.
 */
const counted = ['apps', 'dynos', 'builds', 'builds_per_hour', 'one_offs'] as const
export type Counted = (typeof counted)[number]

/** What may be limited: what is counted, and what is measured on the disk. */
export const limited = [...counted, 'repository_mib'] as const
export type Limited = (typeof limited)[number]

/** How much there may be at once; null: as much as it likes. */
export type Quota = Record<Limited, number | null>

export type Usage = Record<Counted, number>

/** What each is called, when there are several. */
export const limitedNames: Record<Limited, string> = {
  apps: 'apps',
  dynos: 'dynos',
  builds: 'builds that run or wait',
  builds_per_hour: 'builds within an hour',
  one_offs: 'one-off dynos',
  repository_mib: 'MiB of repositories',
}
