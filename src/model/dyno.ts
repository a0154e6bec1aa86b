/** What `PORT` is for every web dyno: each has an address of its own, so all can have the same one. */
export const webPort = 5000

/** Dynos that run once and are in no formation. */
const oneOffTypes = ['run', 'release']

export function isOneOff(dyno: { type: string }): boolean {
  return oneOffTypes.includes(dyno.type)
}
