/**
 * What layers of images say that something below is gone by (OCI image specification, layer.md,
 * "Whiteouts").
 */
export const whiteout = '.wh.'

/** Bytes that Linux takes in a path, below the directory of an app (path_resolution(7)). */
const longestPath = 4000

/**
 * Why no layer of an image can hold a file of this name, to follow the name in a sentence;
 * undefined: it can.
 */
export function layerNameProblem(path: string): string | undefined {
  if (path.split('/').some((name) => name.startsWith(whiteout)))
    return `has a name that begins with ${whiteout}, which is reserved in container images`
  if (Buffer.byteLength(path) > longestPath) return `has more than ${longestPath} bytes`
  return undefined
}
