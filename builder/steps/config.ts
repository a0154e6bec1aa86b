import { posix } from 'node:path'
import { NotPlain, type Instruction } from './parse.ts'
import { expand, pairs, quotedWords } from './words.ts'

/** How an image runs (OCI image configuration, "config"), as far as it is looked at here. */
export type RunConfig = {
  Cmd?: string[] | null
  Entrypoint?: string[] | null
  Env?: string[] | null
  ExposedPorts?: Record<string, object>
  Healthcheck?: object
  Labels?: Record<string, string> | null
  OnBuild?: string[] | null
  Shell?: string[]
  StopSignal?: string
  User?: string
  Volumes?: Record<string, object>
  WorkingDir?: string
}

/** What is known at one place of a stage. */
export type State = {
  config: RunConfig
  env: Map<string, string>
  /** Arguments that the stage declared. */
  args: Map<string, string>
  /** Arguments declared before the first FROM. */
  globals: Map<string, string>
  /** Directories that a WORKDIR asked for since the last step that had files. */
  directories: Directory[]
  hasCmd: boolean
}

export type Directory = { path: string; user: string }

const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** At the beginning of a stage. Whatever it begins with, there is a PATH to add to. */
export function stateFrom(config: RunConfig, globals: Map<string, string>): State {
  const env = new Map([['PATH', usualPath], ...(config.Env ?? []).map((entry) => cut(entry, '='))])
  return {
    config: { ...structuredClone(config), Env: listOf(env) },
    env,
    args: new Map(),
    globals,
    directories: [],
    hasCmd: false,
  }
}

function listOf(env: Map<string, string>): string[] {
  return [...env].map(([name, value]) => `${name}=${value}`)
}

/** Variables win over arguments. */
export function valuesOf({ env, args }: Pick<State, 'env' | 'args'>): Map<string, string> {
  return new Map([...args, ...env])
}

/** Applies an instruction that changes no file. @throws NotPlain */
export function configure(state: State, { name, text, words, flags }: Instruction): void {
  const { config } = state
  const values = valuesOf(state)
  switch (name) {
    case 'ARG':
      return declare(state.args, text, values, state.globals)
    case 'ENV':
      for (const [key, value] of pairs(text, values)) state.env.set(key, value)
      config.Env = listOf(state.env)
      return
    case 'LABEL':
      config.Labels = { ...config.Labels, ...Object.fromEntries(pairs(text, values)) }
      return
    case 'USER':
      config.User = expand(text, values)
      return
    case 'WORKDIR':
      config.WorkingDir = posix.resolve(config.WorkingDir || '/', expand(text, values))
      state.directories.push({ path: config.WorkingDir, user: config.User ?? '' })
      return
    case 'EXPOSE':
      config.ExposedPorts = { ...config.ExposedPorts, ...Object.fromEntries(ports(expand(text, values))) }
      return
    case 'VOLUME': {
      const paths = words ?? text.split(/\s+/)
      config.Volumes = { ...config.Volumes, ...Object.fromEntries(paths.map((path) => [expand(path, values), {}])) }
      return
    }
    case 'STOPSIGNAL':
      config.StopSignal = expand(text, values)
      return
    case 'SHELL':
      if (!words || words.length === 0) throw new NotPlain(text)
      config.Shell = words
      return
    case 'CMD':
      config.Cmd = words ?? [...shellOf(config), text]
      state.hasCmd = true
      return
    case 'ENTRYPOINT':
      config.Entrypoint = words ?? [...shellOf(config), text]
      if (!state.hasCmd) config.Cmd = null
      return
    case 'HEALTHCHECK':
      config.Healthcheck = healthcheck(config, { text, flags })
      return
    default:
      throw new NotPlain(name)
  }
}

export function shellOf({ Shell }: RunConfig): string[] {
  return Shell ?? ['/bin/sh', '-c']
}

/**
 * `ARG name`, `ARG name=value`; one without a value has that of the same name before the first
 * FROM.
 */
export function declare(
  args: Map<string, string>,
  text: string,
  values: Map<string, string>,
  globals: Map<string, string>,
): void {
  for (const word of quotedWords(text)) {
    const [name, value] = cut(word, '=')
    // Those that tell the platform are set by nobody; the general builder sets them.
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || /^(TARGET|BUILD)[A-Z]+$/.test(name)) throw new NotPlain(text)
    const given = word.includes('=') ? expand(value, new Map([...values, ...args])) : globals.get(name)
    if (given !== undefined) args.set(name, given)
  }
}

function ports(text: string): [string, object][] {
  return text.split(/\s+/).map((port) => {
    const [, number, protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(port) ?? []
    if (number === undefined) throw new NotPlain(port)
    return [`${number}/${protocol.toLowerCase()}`, {}]
  })
}

const durations = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
}

function healthcheck(config: RunConfig, { text, flags }: Pick<Instruction, 'text' | 'flags'>): object {
  const [kind, command] = cut(text, ' ')
  if (/^none$/i.test(text) && flags.length === 0) return { Test: ['NONE'] }
  if (kind.toUpperCase() !== 'CMD' || command.trim() === '' || config.Shell) throw new NotPlain(text)
  if (command.trim().startsWith('[')) throw new NotPlain(text)
  const settings = flags.map(([name, value]) => {
    if (name === 'retries' && /^\d{1,4}$/.test(value)) return ['Retries', Number(value)]
    const field = durations[name as keyof typeof durations] as string | undefined
    const [, number, unit] = /^(\d{1,6})(s|m|h)$/.exec(value) ?? []
    if (field === undefined || number === undefined) throw new NotPlain(name)
    return [field, Number(number) * { s: 1, m: 60, h: 3600 }[unit as 's' | 'm' | 'h'] * 1e9]
  })
  return { Test: ['CMD-SHELL', command.trim()], ...Object.fromEntries(settings) }
}

export function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}
