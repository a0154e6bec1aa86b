/** How an add-on is now, as far as it runs. */
export type AddonFigures = {
  /** null: it does not run. */
  since: Date | null
  memoryBytes: number | null
  /** null where nothing is known of that disk. */
  diskBytes: number | null
  /** What its service tells: `Connections` → `3/20`. */
  told: { name: string; value: string }[]
}
