import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Builder, runIn, type AppBuilder } from './builder.ts'

const builder = new Builder()
/** One for all tests, since Go compiles its own library for each app. */
let app: AppBuilder
beforeAll(async () => {
  await builder.buildImage(['go'])
  app = await builder.app({ 'main.go': '' })
}, 900_000)
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await builder[Symbol.asyncDispose]()
})

const goMod = 'module example.com/greeter\n\ngo 1.22\n'
const hello = `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "Hello from Go", os.Getenv("GOMEMLIMIT")) })
	panic(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
`
const program = (text: string) => `package main\n\nfunc main() { println("${text}") }\n`
const uuid = {
  'go.mod': `${goMod}\nrequire github.com/google/uuid v1.6.0\n`,
  'go.sum': `github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=
github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=
`,
  'main.go': 'package main\n\nimport "github.com/google/uuid"\n\nfunc main() { println(len(uuid.NewString())) }\n',
}

describe('a Go app', () => {
  it('is its program, which is web and knows the memory of its dyno', async () => {
    await app.replace({ 'go.mod': goMod, 'main.go': hello })
    const result = await app.build()
    expect(result).toMatchObject({ buildpack: 'Go', processTypes: { web: 'bin/greeter' } })
    expect(app.output).toContain('-----> Using go1.2')
    await using running = await app.serve(result)
    expect(await running.get('/')).toMatchObject({ status: 200, body: 'Hello from Go 460MiB\n' })
  })

  it('gets its modules once, and compiles what changed', async () => {
    await app.replace(uuid)
    const first = await app.build()
    expect(app.output).toContain('go: downloading github.com/google/uuid v1.6.0')
    expect((await runIn(first, 'greeter')).output).toBe('36\n')
    await app.commit({ 'README.md': 'Greets.\n' })
    await app.build()
    expect(app.output).not.toContain('downloading')
  })

  it('may have several programs, under cmd/, of which the one named web serves', async () => {
    await app.replace({
      'go.mod': goMod,
      'cmd/web/main.go': program('web'),
      'cmd/clock/main.go': program('clock'),
      'tools/gen/main.go': program('gen'),
    })
    const result = await app.build()
    expect(result.processTypes).toEqual({ web: 'bin/web' })
    expect(app.output).toContain('Programs: bin/clock bin/web')
    expect((await runIn(result, 'clock 2>&1; ls bin')).output).toBe('clock\nclock\nweb\n')
  })

  it('may be a workspace, and say which programs it wants as on Heroku', async () => {
    const modules = {
      'go.work': 'go 1.22\n\nuse (\n\t./api\n\t./jobs\n)\n',
      'api/go.mod': 'module example.com/api\n\ngo 1.22\n',
      'api/main.go': program('api'),
      'jobs/go.mod': 'module example.com/jobs\n\ngo 1.22\n',
      'jobs/cmd/nightly/main.go': program('nightly'),
    }
    await app.replace(modules)
    expect((await runIn(await app.build(), 'ls bin')).output).toBe('nightly\n')
    const asked = await app.build({ config: { GO_INSTALL_PACKAGE_SPEC: './api ./jobs/cmd/nightly' } })
    expect((await runIn(asked, 'ls bin')).output).toBe('api\nnightly\n')
  })

  it('is built with the Go that .tool-versions names, or go.mod when that is newer', async () => {
    await app.replace({
      'go.mod': goMod,
      'main.go': program('new'),
      '.tool-versions': 'golang 1.25\n',
    })
    await app.build()
    expect(app.output).toMatch(/-----> Using go1\.25\.\d+ \(\.tool-versions\)/)
    await app.commit({ 'go.mod': goMod.replace('1.22', '1.26.1') })
    await app.build()
    expect(app.output).toContain('-----> Using go1.26.1 (.tool-versions)')
  })

  it('needs no module proxy when its modules are vendored, and is without them afterwards', async () => {
    await app.replace({
      ...uuid,
      'vendor/modules.txt': '# github.com/google/uuid v1.6.0\n## explicit\ngithub.com/google/uuid\n',
      'vendor/github.com/google/uuid/uuid.go': 'package uuid\n\nfunc NewString() string { return "one" }\n',
    })
    const result = await app.build({ config: { GOPROXY: 'off' } })
    expect((await runIn(result, 'greeter 2>&1; ls')).output).toBe('3\nbin\ngo.mod\ngo.sum\nmain.go\n')
  })
})

describe('a Go app that cannot be built', () => {
  it.each([
    ['has no program', { 'main.go': 'package greeter\n' }, 'there is no program: no package main'],
    ['lacks lines of go.sum', { ...uuid, 'go.sum': '' }, 'go.mod and go.sum do not match the code'],
    ['lacks a module', { 'main.go': uuid['main.go'] }, 'go.mod and go.sum do not match the code'],
    [
      'has vendored something else',
      { ...uuid, 'vendor/modules.txt': '# github.com/google/uuid v1.5.0\n' },
      'vendor/ does not match go.mod',
    ],
    [
      'asks for a Go that does not exist',
      { 'go.mod': goMod.replace('1.22', '1.99.7'), 'main.go': hello },
      'the Go that go.mod asks for cannot be had',
    ],
    [
      'asks for a version that is none',
      { 'main.go': hello, '.go-version': 'stable\n' },
      '.go-version asks for Go stable, which is no version',
    ],
    [
      'has two programs of one name',
      { 'a/cmd/run/main.go': program('a'), 'b/cmd/run/main.go': program('b') },
      'two programs are named run',
    ],
    ['does not compile', { 'main.go': 'package main\n\nfunc main() { oops }\n' }, 'the code does not compile'],
    [
      'uses a C library that is not there',
      { 'main.go': 'package main\n\n// #include <nothing.h>\nimport "C"\n\nfunc main() {}\n' },
      'a C library for cgo is missing',
    ],
  ])('because it %s is told what to do', async (_, files, reason) => {
    await app.replace({ 'go.mod': goMod, ...files })
    await expect(app.build()).rejects.toThrow(`build failed: ${reason}`)
    expect(app.output).toMatch(/^ !     \S/m)
  })

  it('because the module proxy is away is told so', async () => {
    await app.replace(uuid)
    const build = app.build({ config: { GOPROXY: 'https://proxy.invalid' }, noCache: true })
    await expect(build).rejects.toThrow('build failed: the module proxy is not reached')
  })
})
