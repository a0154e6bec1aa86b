import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { machineCertificates } from '../../src/build/stack/certificates.ts'
import { createStack } from '../../src/build/stack/debian.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import type { Image } from '../../src/engine/engine.ts'
import { createLog } from '../../src/log.ts'

const run = promisify(execFile)
const serverId = `stack-test-${process.pid}`
const cache = mkdtempSync(join(tmpdir(), 'paas-stack-test-'))
const config = { ...loadConfig(), cacheDirectory: cache }
const engine = connectDocker({ docker: config.docker, serverId, log: createLog('test', 'silent') })
const stack = createStack({ engine, config })
const noProgress = (): void => undefined

let runImage: Image
let buildImage: Image
beforeAll(async () => {
  runImage = await stack.runImage([], noProgress)
  buildImage = await stack.buildImage([], noProgress)
}, 900_000)
afterAll(async () => {
  await engine.removeServer()
  rmSync(cache, { recursive: true, force: true })
})

async function inside(image: Image, command: string): Promise<string> {
  const { stdout } = await run('docker', ['run', '--rm', '--network=none', image.digest, 'bash', '-c', command])
  return stdout.trim()
}

describe('both images', () => {
  it.each(['run', 'build'])('the %s image runs as app, 1000:1000, who owns /app and nothing else', async (kind) => {
    const image = kind === 'run' ? runImage : buildImage
    expect(await inside(image, 'id; pwd; echo $HOME; stat -c "%U:%G %a" /app')).toBe(
      'uid=1000(app) gid=1000(app) groups=1000(app)\n/app\n/app\napp:app 755',
    )
    const owned = 'find / -xdev -user app -not -path "/app*" -not -path "/proc/*" -not -path "/dev/*" 2>/dev/null; true'
    expect(await inside(image, owned)).toBe('')
  })

  it('are Debian 13 and know where its packages are', async () => {
    expect(await inside(runImage, '. /etc/os-release; echo $ID $VERSION_ID')).toBe('debian 13')
    expect(await inside(buildImage, 'cat /etc/apt/sources.list')).toMatch(/^deb \S+ trixie main/m)
  })

  it('trust what the machine trusts', async () => {
    const machine = machineCertificates({ named: config.certificateFiles })
    const bundle = (await inside(runImage, 'cat /etc/ssl/certs/ca-certificates.crt')).replaceAll(/\s/g, '')
    expect(machine.filter((pem) => !bundle.includes(pem.replaceAll(/\s/g, '')))).toEqual([])
    const variable = await inside(buildImage, 'echo $SSL_CERT_FILE')
    expect(variable).toBe(machine.length > 0 ? '/etc/ssl/certs/ca-certificates.crt' : '')
  })

  it('belong to no server', () => {
    for (const { labels } of [runImage, buildImage]) {
      expect(labels['paas.stack']).toBe('debian-13')
      expect(labels['paas.server'] ?? '').toBe('')
    }
  })
})

describe('the build image', () => {
  it('compiles C and C++, against the libraries of the run image', async () => {
    const source = 'printf "#include <libpq-fe.h>\\nint main(){return PQlibVersion()<1;}" > /tmp/a.c'
    expect(
      await inside(buildImage, `${source} && gcc -I/usr/include/postgresql /tmp/a.c -lpq -o /tmp/a && /tmp/a; echo $?`),
    ).toBe('0')
    expect(await inside(buildImage, 'g++ --version > /dev/null && make --version > /dev/null; echo $?')).toBe('0')
  })

  it('has this server’s own Node and npm, and the tools buildpacks call', async () => {
    const versions = await inside(buildImage, '/usr/lib/paas/bin/node --version; /usr/lib/paas/bin/npm --version')
    expect(versions).toMatch(new RegExp(`^${process.version}\n\\d+\\.\\d+\\.\\d+$`))
    const tools = 'git curl jq xz unzip python3 pkg-config tar gzip file'
    expect(await inside(buildImage, `for tool in ${tools}; do command -v $tool > /dev/null || echo $tool; done`)).toBe(
      '',
    )
    expect(await inside(buildImage, 'cd /tmp && python3 -m venv v && v/bin/pip --version > /dev/null; echo $?')).toBe(
      '0',
    )
  })
})

describe('the run image', () => {
  it('has no compiler, no headers and no package lists', async () => {
    expect(await inside(runImage, 'command -v gcc cc make git node python3; ls /usr/include /var/lib/apt/lists')).toBe(
      '/usr/include:\n\n/var/lib/apt/lists:',
    )
  })

  it('is slim', () => {
    expect(runImage.sizeBytes).toBeLessThan(200 * 2 ** 20)
  })
})

describe('further packages', () => {
  it('are added once, however many ask for them at the same time', async () => {
    const lines: string[] = []
    const other = createStack({ engine, config })
    const asks = [stack, stack, other].map((asked) => asked.runImage(['hello'], (line) => lines.push(line)))
    const [image, ...rest] = await Promise.all(asks)
    try {
      expect(new Set(rest.map(({ digest }) => digest))).toEqual(new Set([image?.digest]))
      expect(lines.filter((line) => line === 'making the debian-13 run image with hello')).toHaveLength(1)
      expect(await inside(image as Image, 'hello')).toBe('Hello, world!')
      const again: string[] = []
      expect((await stack.runImage(['hello'], (line) => again.push(line))).digest).toBe(image?.digest)
      expect(again).toEqual([])
    } finally {
      await run('docker', ['rmi', '--force', image?.references[0] ?? ''])
    }
  }, 300_000)

  it('that do not exist are refused with what apt says, and leave no image and no container', async () => {
    await expect(stack.buildImage([['no-such-package-here']], noProgress)).rejects.toMatchObject({
      code: 'stack_unavailable',
      message: expect.stringContaining('Unable to locate package no-such-package-here') as string,
    })
    const { stdout } = await run('docker', ['ps', '--all', '--quiet', '--filter', `label=paas.server=${serverId}`])
    expect(stdout).toBe('')
  }, 300_000)
})
