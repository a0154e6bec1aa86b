import type { Narrator } from '../model/narrator.ts'

/**
 * Images are made at set-up; one that is needed later says what takes so long, and not what apt-get
 * says.
 */
export function tellProgress(output: Pick<Narrator, 'detail'>, line: string): void {
  if (/^(making|adding|another) /.test(line)) output.detail(`${line}...`)
}
