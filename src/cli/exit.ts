/** Ends the command with this status and no message: it is somebody else's, who has said why. */
export class Exit extends Error {
  readonly status: number

  constructor(status: number) {
    super(`exit status ${status}`)
    this.status = status
  }
}
