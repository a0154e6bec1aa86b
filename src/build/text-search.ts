/** Whether one of some texts is in what comes in pieces. */
export class TextSearch {
  found = false
  readonly #texts: readonly string[]
  readonly #longest: number
  #end = Buffer.alloc(0)

  constructor(...texts: string[]) {
    this.#texts = texts
    this.#longest = Math.max(...texts.map((text) => text.length))
  }

  feed(chunk: Buffer): void {
    if (this.found) return
    const seam = Buffer.concat([this.#end, chunk.subarray(0, this.#longest)])
    this.found = this.#texts.some((text) => seam.includes(text) || chunk.includes(text))
    this.#end = Buffer.concat([this.#end, chunk.subarray(-this.#longest)]).subarray(-this.#longest)
  }
}
