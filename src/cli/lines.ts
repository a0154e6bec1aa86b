/**
 * The lines of a stream of UTF-8 text. Only `\n` ends a line: readline would also split at U+2028.
 */
async function* readLines(stream: AsyncIterable<unknown>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

/**
 * Server-sent events with their last id; comments and other fields are passed over (WHATWG HTML
 * section 9.2.6).
 */
export async function* readEvents(stream: AsyncIterable<unknown>): AsyncGenerator<{ id: string; data: string }> {
  let id = ''
  let data: string[] = []
  for await (const line of readLines(stream)) {
    const [, field, value] = /^(id|data): ?(.*)$/s.exec(line) ?? []
    if (field === 'id') id = value ?? ''
    if (field === 'data') data.push(value ?? '')
    if (line !== '' || data.length === 0) continue
    yield { id, data: data.join('\n') }
    data = []
  }
}
