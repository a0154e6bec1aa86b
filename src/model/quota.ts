/** What is counted for an account, of all apps that it owns; `dynos` are those that its formations ask for. */
export const counted = ['apps', 'dynos', 'builds', 'one_offs'] as const
export type Counted = (typeof counted)[number]

/** How many there may be at once; null: as many as it likes. */
export type Quota = Record<Counted, number | null>

export type Usage = Record<Counted, number>

/** What each is called, when there are several. */
export const countedNames: Record<Counted, string> = {
  apps: 'apps',
  dynos: 'dynos',
  builds: 'builds that run or wait',
  one_offs: 'one-off dynos',
}
