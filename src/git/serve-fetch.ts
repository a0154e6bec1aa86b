import type { IncomingMessage, ServerResponse } from 'node:http'
import { PaasError } from '../errors.ts'
import { onceClosed, sendAnswer, startService } from './git-service.ts'
import { openBody, type BodyLimits } from '../source/body.ts'

/** Bytes of what a fetch asks for: about 200,000 commits named as known. */
const longestRequest = 10 * 2 ** 20

export type ServeFetchOptions = {
  repository: string
  req: IncomingMessage
  res: ServerResponse
  limits: Omit<BodyLimits, 'bytes'>
}

/**
 * Answers clone and fetch. The request is read whole first: without its end git would wait for it.
 */
export async function serveFetch({ repository, req, res, limits }: ServeFetchOptions): Promise<void> {
  const asked = (await Array.fromAsync(openBody(req, { ...limits, bytes: longestRequest }))) as Buffer[]
  const git = await startService('upload-pack', repository)
  const tooLong = setTimeout(() => res.destroy(), limits.totalMs)
  onceClosed(res, () => git.abandon(0))
  try {
    for (const chunk of asked) git.input.write(chunk)
    git.input.end()
    const sent = await sendAnswer(git.output, res, limits.idleMs)
    const { code, complaint } = await git.closed
    // Git exits with 0 and no output when it got only a flush, or the wants without the haves.
    if (sent || code === 0 || res.closed) return void res.end()
    throw new PaasError('bad_request', `git does not understand this request: ${complaint.slice(0, 200)}`)
  } finally {
    clearTimeout(tooLong)
  }
}
