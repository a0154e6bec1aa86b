/** The worker asked for what it does not need, so that the engine is not asked at all. */
export class Refused extends Error {
  readonly status: 403 | 404

  constructor(message: string, status: 403 | 404 = 403) {
    super(message)
    this.status = status
  }
}

/** What is another's is told of as if it were not there. */
export class Foreign extends Refused {
  constructor(what: string) {
    super(`No such ${what}`, 404)
  }
}

export function refuseUnless(condition: boolean, reason: string): asserts condition {
  if (!condition) throw new Refused(reason)
}
