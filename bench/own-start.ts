import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { request } from '../test/helpers/http.ts'

const run = promisify(execFile)

/** Milliseconds that an app may take. */
const longest = 120_000

type Container = {
  Image: string
  Path: string
  Args: string[]
  State: { StartedAt: string }
  Config: { Env: string[] }
  HostConfig: { Memory: number; NanoCpus: number }
  NetworkSettings: { IPAddress: string }
}

/**
 * Milliseconds from the start of an app's process to its first answer, without this server: in
 * a container that is run by hand as the dyno is.
 */
export async function ownStart(dyno: string): Promise<number> {
  const { Image, Path, Args, Config, HostConfig } = await inspect(dyno)
  const limits = [
    `--memory=${HostConfig.Memory}`,
    ...(HostConfig.NanoCpus ? [`--cpus=${HostConfig.NanoCpus / 1e9}`] : []),
  ]
  const env = Config.Env.flatMap((entry) => ['--env', entry])
  const port = Number(Config.Env.find((entry) => entry.startsWith('PORT='))?.slice(5))
  const { stdout } = await run('docker', ['run', '--detach', ...limits, ...env, `--entrypoint=${Path}`, Image, ...Args])
  try {
    const { State, NetworkSettings } = await inspect(stdout.trim())
    await firstAnswer(NetworkSettings.IPAddress, port)
    return Date.now() - Date.parse(State.StartedAt)
  } finally {
    await run('docker', ['rm', '--force', stdout.trim()])
  }
}

async function inspect(container: string): Promise<Container> {
  const { stdout } = await run('docker', ['inspect', container])
  return (JSON.parse(stdout) as [Container])[0]
}

async function firstAnswer(address: string, port: number): Promise<void> {
  for (const began = performance.now(); performance.now() - began < longest;) {
    const answer = await request({ address, port, host: 'localhost' }).catch(() => undefined)
    if (answer) return
    await delay(10)
  }
  throw new Error(`the app gives no answer within ${longest / 1000} s in a container by hand`)
}
