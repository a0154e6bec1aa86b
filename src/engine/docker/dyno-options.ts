import type Docker from 'dockerode'
import type { Network } from '../../config.ts'
import type { DynoSpec, TerminalSize } from '../engine.ts'
import { label, type Kind } from '../labels.ts'
import { confined, hostNames, nameServers } from './host-config.ts'
import { containerName } from './names.ts'
import { preparation } from './preparation.ts'
import { mountBinds } from './volume-options.ts'

/**
 * What runs first in a dyno. The command is its argument, never part of its text. It stays to
 * outlive SIGTERM: a shell of the app's that dies of it at once must not take with it the server
 * that still finishes its requests. Its own errors go nowhere, since bash would report how its
 * child ended.
 */
const launcher = `
${preparation}trap 'paas_stopping=1' HUP TERM
exec 3>&2 2>/dev/null
/bin/bash -c "$1" 2>&3 3>&-
paas_code=$?
while [ -n "$paas_stopping" ] && set -- /proc/[0-9]* && [ $# -gt 2 ]; do sleep 0.1; done
exit $paas_code
`

/** A client's session, with its terminal if it has one. */
export type Session = { terminal: TerminalSize | undefined }

/** `opened`: what the operator opened to all containers; `user`: never root, by number. */
type Place = {
  network: string
  opened: Network
  runtime: string | undefined
  user: string
  session: Session | undefined
}

/** How a dyno's container is made. */
export function dynoOptions(
  serverId: string,
  spec: DynoSpec,
  { network, opened, runtime, user, session }: Place,
): Docker.ContainerCreateOptions {
  return {
    name: containerName(serverId, spec.app, spec.name, `v${spec.release}`),
    Image: spec.image,
    User: user,
    Labels: dynoLabels(serverId, spec, session),
    ...(spec.command === null ? { Env: environment(spec.env) } : launched(spec, spec.command, session?.terminal)),
    ...(session && attachable(session)),
    HostConfig: {
      ...confined(spec.limits),
      // Only the attached client reads the output, so the engine keeps none of it.
      ...(session && { LogConfig: { Type: 'none', Config: {} } }),
      OomScoreAdj: 250,
      ...(runtime !== undefined && { Runtime: runtime }),
      NetworkMode: network,
      ...hostNames(opened),
      ...nameServers(opened),
      ...(spec.volumes && { Binds: mountBinds(serverId, spec.volumes) }),
      RestartPolicy: { Name: spec.restart ? 'unless-stopped' : 'no' },
      Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' },
    },
  }
}

/** `StdinOnce`: the process sees the end of its input when the client ends it. */
function attachable({ terminal }: Session): Docker.ContainerCreateOptions {
  return {
    Tty: terminal !== undefined,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  }
}

/**
 * Sets the terminal's size before the command reads it: the engine can set it only once the process
 * runs.
 */
function launched(spec: DynoSpec, command: string, terminal: TerminalSize | undefined): Docker.ContainerCreateOptions {
  return {
    Entrypoint: ['/bin/bash', '-c', launcher, 'dyno'],
    Cmd: [command, ...(terminal ? [String(terminal.columns), String(terminal.rows)] : [])],
    WorkingDir: '/app',
    Env: environment({ HOME: '/app', ...spec.env }),
  }
}

/** tini(1): with TINI_KILL_PROCESS_GROUP signals go to the whole process group. */
function environment(env: Record<string, string>): string[] {
  return Object.entries({ ...env, TINI_KILL_PROCESS_GROUP: '1' }).map(([key, value]) => `${key}=${value}`)
}

/** Sets all of our labels, so that a foreign image's labels cannot pass for one. */
function dynoLabels(serverId: string, spec: DynoSpec, session: Session | undefined): Record<string, string> {
  const kind: Kind = session ? 'session' : spec.restart ? 'dyno' : 'oneoff'
  return {
    [label.server]: serverId,
    [label.kind]: kind,
    [label.app]: spec.appId,
    [label.appName]: spec.app,
    [label.dyno]: spec.name,
    [label.type]: spec.type,
    [label.release]: String(spec.release),
    [label.size]: spec.size,
    [label.port]: spec.type === 'web' ? (spec.env['PORT'] ?? '') : '',
    [label.host]: spec.host ?? '',
    [label.healthcheck]: spec.healthcheck ?? '',
    [label.uuid]: spec.uuid ?? '',
    [label.writes]: (spec.volumes ?? [])
      .filter(({ alone }) => alone)
      .map(({ id }) => id)
      .join(','),
  }
}
