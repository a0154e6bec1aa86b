import { isFinished, type Build } from '../../model/build.ts'
import type { Asker } from '../../model/grant.ts'
import type { OutputReader } from '../../model/output.ts'
import { outputUrl, buildStatus, type BuildJsonDeps } from './build-json.ts'

/** Bytes of output that a result holds at most; the stream has all of it. */
const mostBytes = 2 ** 20

/**
 * Heroku's build result: the output by lines, up to now. `exit_code` is null while the build is not
 * finished.
 */
export async function readResult(
  deps: Omit<BuildJsonDeps, 'store'> & { output: OutputReader },
  build: Build,
  asker: Asker,
): Promise<object> {
  const finished = isFinished(build.state)
  const text = finished && build.generation > 0 ? await readOutput(deps.output, build) : ''
  return {
    build: { id: build.id, output_stream_url: outputUrl(deps, build, asker), status: buildStatus(build) },
    exit_code: finished ? Number(build.state.kind !== 'succeeded') : null,
    lines: text
      .split(/(?<=\n)/)
      .filter(Boolean)
      .map((line) => ({ line, stream: 'STDOUT' })),
  }
}

async function readOutput(output: OutputReader, build: Build): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const { bytes } of output.read(build.id, 0, AbortSignal.timeout(5000))) {
    chunks.push(bytes)
    size += bytes.length
    if (size >= mostBytes) break
  }
  return Buffer.concat(chunks).subarray(0, mostBytes).toString()
}
