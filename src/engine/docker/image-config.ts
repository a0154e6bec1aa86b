import type Docker from 'dockerode'
import type { ImageConfig } from '../engine.ts'
import { label, type Kind } from '../labels.ts'

/** An image as the engine describes it. */
export type ImageFound = Docker.ImageInspectInfo

type Described = { below: ImageFound; config: ImageConfig; digest: string }

/**
 * The configuration of an image of this server, as JSON: the base's with ours on top, as a commit
 * merges them.
 * @param described.digest of the layer that it has on the base's
 */
export function describeOwn(serverId: string, { below, config, digest }: Described): string {
  const labels = { ...config.labels, [label.server]: serverId, [label.kind]: 'image' satisfies Kind }
  const created = new Date().toISOString()
  const layers = below.RootFS.Layers ?? []
  return JSON.stringify({
    architecture: below.Architecture,
    os: below.Os,
    created,
    config: runConfig(below.Config, { ...config, labels }),
    rootfs: { type: 'layers', diff_ids: [...layers, digest] },
    history: [...layers.map(() => ({ created: below.Created })), { created, comment: 'paas' }],
  })
}

function runConfig(below: Docker.ImageInspectInfo['Config'], config: ImageConfig) {
  const { labels, env = {}, command = below.Cmd, workingDirectory = below.WorkingDir, user = below.User } = config
  const inherited = below.Env.filter((entry) => !(entry.slice(0, entry.indexOf('=')) in env))
  return {
    Env: [...inherited, ...Object.entries(env).map(([key, value]) => `${key}=${value}`)],
    Cmd: command,
    Labels: { ...below.Labels, ...labels },
    User: user,
    WorkingDir: workingDirectory,
    ...(below.ExposedPorts ? { ExposedPorts: below.ExposedPorts } : {}),
  }
}
