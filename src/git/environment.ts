import { resolve } from 'node:path'

/** Stand-ins for `git-receive-pack` and `git-upload-pack`, found first in PATH: see the files. */
const commands = resolve(import.meta.dirname, 'commands')

/**
 * The part of the server's environment that git needs; the rest (keys, URLs with passwords) is not
 * passed on.
 */
const inherited = ['PATH', 'TMPDIR', 'TZ'] as const

/** Neither the machine's nor a user's settings may change what git does; nothing may ever ask. */
const settings = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_TERMINAL_PROMPT: '0',
  // The worker, which is another user, works in the api's repositories too.
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '*',
  LC_ALL: 'C',
}

/** The whole environment of a git that this server starts. */
export function gitEnvironment(): Record<string, string> {
  const kept = inherited.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(kept), ...settings }
}

/**
 * Makes this process's environment the one that git and its hooks may see, for good:
 * node-git-server hands it on as it is. To be called once at the start of the api, after the
 * settings were read.
 * @param hookSocket where the hooks find the api
 */
export function isolateEnvironment({ hookSocket }: { hookSocket: string }): void {
  const path = (process.env['PATH'] ?? '').split(':').filter((entry) => entry !== '' && entry !== commands)
  const environment: Record<string, string> = {
    ...gitEnvironment(),
    PATH: [commands, ...path].join(':'),
    PAAS_HOOK_SOCKET: hookSocket,
    PAAS_NODE: process.execPath,
  }
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment)
}

/** True when `isolateEnvironment` was called with this socket. */
export function isIsolated({ hookSocket }: { hookSocket: string }): boolean {
  return process.env['PAAS_HOOK_SOCKET'] === hookSocket && (process.env['PATH'] ?? '').startsWith(`${commands}:`)
}
