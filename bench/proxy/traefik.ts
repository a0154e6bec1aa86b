import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { makeWithGo, runGo } from '../../test/helpers/go-programs.ts'

const version = 'v3.7.13'
const lego = { module: 'github.com/go-acme/lego/v5', version: 'v5.4.1' }
/** Of a build without anything of an earlier one, on two cores that do other things too. */
const limits = { minutes: 30 }
const execute = promisify(execFile)

/**
 * What its repository has and its module lacks: the files of its web pages, and a module of its own,
 * https://github.com/traefik/traefik/tree/v3.7/pkg/config/dynamic/ext
 */
const lacking = {
  'webui/static/index.html': '',
  'pkg/config/dynamic/ext/go.mod': 'module github.com/traefik/traefik/dynamic/ext\n\ngo 1.24.0\n',
  'pkg/config/dynamic/ext/ext.go': `package ext

type HTTP struct{}

type Router struct{}

type RouterIng struct{}

func (RouterIng) ToRouter() Router { return Router{} }
`,
}
/** In place of the libraries of 200 DNS providers, which take most of the time to build. */
const providers = `package dns

import (
	"fmt"

	"${lego.module}/challenge"
)

func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	return nil, fmt.Errorf("%s is left out", name)
}
`

/**
 * Traefik's own command, made once for this user: its module cannot be installed as it is.
 * @returns its path, or undefined, of which stderr has the reason
 */
export async function buildTraefik(): Promise<string | undefined> {
  const { directory, lack } = await makeWithGo(`traefik-${version}`, limits, make)
  if (lack === undefined) return join(directory, 'traefik')
  process.stderr.write(`${lack}: measured without it\n`)
  return undefined
}

/** With its version, which it does not know itself when it is built so. */
export const nameOfTraefik = `Traefik ${version.slice(1)}`

async function make(draft: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'paas-bench-traefik-'))
  try {
    process.stderr.write('building Traefik, once; this takes some minutes\n')
    const source = await copyOf(`github.com/traefik/traefik/v3@${version}`, join(directory, 'traefik'))
    await copyOf(`${lego.module}@${lego.version}`, join(source, 'lego'))
    const files = { ...lacking, 'lego/providers/dns/zz_gen_dns_providers.go': providers }
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(source, path)), { recursive: true })
      await writeFile(join(source, path), text)
    }
    await runGo(['mod', 'edit', ...replaced.map((each) => `-replace=${each}`)], { cwd: source, ...limits })
    const build = ['build', '-buildvcs=false', '-o', join(draft, 'traefik'), './cmd/traefik']
    await runGo(build, { cwd: source, ...limits })
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** What its own go.mod has of the second is newer, and not everywhere to be had. */
const replaced = [
  `${lego.module}=./lego`,
  'github.com/abbot/go-http-auth=github.com/containous/go-http-auth@v0.4.1-0.20200324110947-a37a7636d23e',
]

/** Of a module, to be written to. @returns `to` */
async function copyOf(module: string, to: string): Promise<string> {
  const options = { env: { GOWORK: 'off' }, cwd: tmpdir(), ...limits }
  const { Dir } = JSON.parse(await runGo(['mod', 'download', '-json', module], options)) as { Dir: string }
  await execute('cp', ['-r', '--no-preserve=mode', Dir, to])
  return to
}
