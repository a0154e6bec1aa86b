/**
 * How far a reader is in each segment it still reads: the newest, and the one before it, to which a
 * slow writer may add a last batch. Ascending.
 */
export type Mark = { segment: number; offset: number }

/** `11:2097200-12:48213`; `0` before the first line. */
export function formatPosition(marks: Mark[]): string {
  return marks.map(({ segment, offset }) => `${segment}:${offset}`).join('-') || '0'
}

/** No marks, which is the beginning, for what is not a position. */
export function parsePosition(text: string): Mark[] {
  if (!/^\d{1,10}:\d{1,12}(-\d{1,10}:\d{1,12})?$/.test(text)) return []
  return text.split('-').map((mark) => {
    const [segment, offset] = mark.split(':')
    return { segment: Number(segment), offset: Number(offset) }
  })
}
