import type Docker from 'dockerode'
import type { DynoSpec } from '../engine.ts'
import { label, type Kind } from '../labels.ts'
import { confined, tenant } from './host-config.ts'
import { containerName } from './names.ts'

/**
 * What runs first in a dyno. The command is its argument, never part of its text. It stays to outlive SIGTERM: a
 * shell of the app's that dies of it at once must not take with it the server that still finishes its requests. Its
 * own errors go nowhere, since bash would report how its child ended.
 */
const launcher = `
unset TINI_KILL_PROCESS_GROUP
for paas_script in /app/.profile.d/*.sh; do
  if [ -f "$paas_script" ]; then . "$paas_script"; fi
done
if [ -f /app/.profile ]; then . /app/.profile; fi
unset paas_script
set +eu
trap 'paas_stopping=1' TERM
exec 3>&2 2>/dev/null
/bin/bash -c "$1" 2>&3 3>&-
paas_code=$?
while [ -n "$paas_stopping" ] && set -- /proc/[0-9]* && [ $# -gt 2 ]; do sleep 0.1; done
exit $paas_code
`

/** How a dyno's container is made. `imageUser` is what the image says about its user. */
export function dynoOptions(
  serverId: string,
  spec: DynoSpec,
  network: string,
  imageUser: string,
): Docker.ContainerCreateOptions {
  return {
    name: containerName(serverId, spec.app, spec.name, `v${spec.release}`),
    Image: spec.image,
    Labels: dynoLabels(serverId, spec),
    ...(spec.command === null ? ownCommand(spec, imageUser) : launched(spec, spec.command)),
    HostConfig: {
      ...confined(spec.limits),
      OomScoreAdj: 250,
      NetworkMode: network,
      RestartPolicy: { Name: spec.restart ? 'unless-stopped' : 'no' },
      Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' },
    },
  }
}

function launched(spec: DynoSpec, command: string): Docker.ContainerCreateOptions {
  return {
    Entrypoint: ['/bin/bash', '-c', launcher, 'dyno'],
    Cmd: [command],
    User: `${tenant.uid}:${tenant.gid}`,
    WorkingDir: '/app',
    Env: environment({ HOME: '/app', ...spec.env }),
  }
}

/** An image that names no user would run as root; it runs as an ordinary user, as on Heroku. */
function ownCommand(spec: DynoSpec, imageUser: string): Docker.ContainerCreateOptions {
  const isRoot = /^(|0|root)(:.*)?$/.test(imageUser)
  return { Env: environment(spec.env), ...(isRoot ? { User: `${tenant.uid}:${tenant.gid}` } : {}) }
}

/** tini(1): with TINI_KILL_PROCESS_GROUP signals go to the whole process group. */
function environment(env: Record<string, string>): string[] {
  return Object.entries({ ...env, TINI_KILL_PROCESS_GROUP: '1' }).map(([key, value]) => `${key}=${value}`)
}

/** All of ours are set, so that labels of an image nobody here made cannot stand in for one. */
function dynoLabels(serverId: string, spec: DynoSpec): Record<string, string> {
  return {
    [label.server]: serverId,
    [label.kind]: (spec.restart ? 'dyno' : 'oneoff') satisfies Kind,
    [label.app]: spec.appId,
    [label.appName]: spec.app,
    [label.dyno]: spec.name,
    [label.type]: spec.type,
    [label.release]: String(spec.release),
    [label.size]: spec.size,
    [label.port]: spec.type === 'web' ? (spec.env['PORT'] ?? '') : '',
    [label.healthcheck]: spec.healthcheck ?? '',
    [label.uuid]: spec.uuid ?? '',
  }
}
