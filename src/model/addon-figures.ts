/** What an add-on takes, as measured last. */
export type AddonUse = {
  /** null: it does not run. */
  since: Date | null
  memoryBytes: number | null
  /** null where nothing is known of that disk. */
  diskBytes: number | null
  /** Open ones to its port; null where that is not known. */
  connections: number | null
}

/** How an add-on is now, as far as it runs. */
export type AddonFigures = AddonUse & {
  /** Where it runs: one, until a service has several. */
  nodes: AddonNode[]
  /** What its service tells: `Connections` → `3/20`. */
  told: { name: string; value: string }[]
}

/** One server of an add-on. */
type AddonNode = {
  /** The machine's name. */
  host: string
  /** `running`, `restarting`, `exited`, …, or `absent`. */
  state: string
}
