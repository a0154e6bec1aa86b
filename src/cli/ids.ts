import { PaasError } from '../errors.ts'

/** What is listed, in the user's words: `build` of `paas builds`. */
export type Listed = { what: string; see: string }

/**
 * The full id of what a user names by the beginning of it, as tables on narrow terminals show it
 * (`1a2b3c4d…`).
 * @param given an id; what cannot be the beginning of one, which the server may know (`~`), stays
 *   as it is
 * @throws not_found, also when several begin so
 */
export async function fullId(
  given: string,
  { all, ...listed }: Listed & { all: () => Promise<{ id: string }[]> },
): Promise<string> {
  if (!/^[\da-f-]{1,35}…?$/i.test(given)) return given
  const ids = new Set((await all()).map(({ id }) => id))
  return chooseOne([...ids], given, { ...listed, namesOf: (id) => [id] })
}

/**
 * The one that has this name, else the only one with a name that begins so.
 * @throws not_found
 */
export function chooseOne<T>(
  all: T[],
  given: string,
  { what, see, namesOf }: Listed & { namesOf: (one: T) => string[] },
): T {
  const begun = given.replace(/…$/, '')
  const exact = all.filter((one) => namesOf(one).includes(given))
  const found = exact.length > 0 ? exact : all.filter((one) => namesOf(one).some((name) => name.startsWith(begun)))
  if (found[0] !== undefined && found.length === 1 && begun !== '') return found[0]
  const problem = found.length > 1 ? `${found.length} of these match` : `There is no ${what}`
  throw new PaasError('not_found', `${problem} ${JSON.stringify(given)}.`, { hint: `See them with: ${see}` })
}
