/** A directory of the app that is a pack: `./packs/x`. */
export type PackPath = `./${string}`

/** True for a path below the app's root of plain characters. */
export function isPackPath(text: string): text is PackPath {
  return text.length <= 200 && /^\.(\/\.?[\w@+-][\w.@+-]*)+$/.test(text)
}
