import { readdirSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatConfig, parseConfig } from '../../src/cli/config-file.ts'
import { TestTerminal, type Said } from './terminal.ts'

let terminal: TestTerminal

beforeAll(async () => {
  terminal = await TestTerminal.start()
  await mkdir(join(terminal.home, 'tmp'))
  await terminal.succeed(['create', 'acme'])
  await terminal.succeed(['config:set', 'A=1', 'B=two words', 'GONE=x', '-a', 'acme'])
})
afterAll(() => terminal[Symbol.asyncDispose]())

/** With an editor that is a line of shell; its file is "$1". */
async function edit(editor: string, ...argv: string[]): Promise<Said> {
  const script = join(terminal.home, 'editor.sh')
  await writeFile(script, editor)
  const env = { EDITOR: `sh ${script}`, VISUAL: '', TMPDIR: join(terminal.home, 'tmp') }
  return terminal.paas(['config:edit', '-a', 'acme', ...argv], { env })
}

const left = (): string[] => readdirSync(join(terminal.home, 'tmp'))
const vars = async (): Promise<unknown> => JSON.parse(await terminal.succeed(['config', '--json', '-a', 'acme']))

describe('paas config:edit', () => {
  it('sets and unsets what was changed in the editor, as one release, and shows no value', async () => {
    const said = await edit(`stat -c %a "$1" >&2; sed -i '/^GONE/d; s/^A=1$/A=2/' "$1"; echo "NEW=it's new" >> "$1"`)
    expect(said).toMatchObject({ code: 0, stdout: '' })
    expect(said.stderr).toMatch(/^600\n {2}- GONE\n {2}~ A\n {2}\+ NEW\nChanging GONE, A, NEW of acme\.\.\. done\n/)
    expect(said.stderr).toContain('as v3... done\nUndo with: paas rollback v2 -a acme\n')
    expect(await vars()).toEqual({ A: '2', B: 'two words', NEW: "it's new" })
    expect(left()).toEqual([])
  })

  it('does nothing where nothing was changed, or the editor fails', async () => {
    expect(await edit('true')).toEqual({ code: 0, stdout: '', stderr: 'Nothing was changed.\n' })
    const failed = await edit('exit 3')
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('ended with 3; nothing was changed') })
    expect(left()).toEqual([])
  })

  it('edits one value alone, of many lines', async () => {
    expect(await edit(String.raw`printf 'one\ntwo\n' > "$1"`, 'CERT')).toMatchObject({ code: 0 })
    expect(await vars()).toMatchObject({ CERT: 'one\ntwo', A: '2' })
  })

  it('keeps what was typed when it cannot be used', async () => {
    const said = await edit('echo "no assignment" >> "$1"')
    expect(said).toMatchObject({ code: 1, stderr: expect.stringMatching(/ ! {4}Line \d is not KEY=VALUE\./) })
    const path = /Your text is in (\S+);/.exec(said.stderr)?.[1] ?? ''
    expect(await readFile(path, 'utf8')).toContain('no assignment')
  })

  it('does not overwrite what somebody else changed meanwhile', async () => {
    const { url, api } = terminal
    const theirs = `curl -sf -X PATCH -H 'Authorization: Bearer ${api.token}' -H 'Content-Type: application/json' -d '{"A":"theirs"}' ${url}/apps/acme/config-vars`
    const said = await edit(`${theirs} > /dev/null; sed -i 's/^A=.*/A=mine/' "$1"`)
    expect(said).toMatchObject({ code: 1, stderr: expect.stringContaining('A was changed by somebody else') })
    expect(await vars()).toMatchObject({ A: 'theirs' })
  })
})

describe('the text of config vars', () => {
  it('gives back every value it was made of', () => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom("'", '\n', ' a', "it's\n'", String.raw`'\''`, '#x', '"q"', 'a\r\nb', '\\'),
    )
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[A-Z_]\w*$/), value), (config) => {
        expect(parseConfig(formatConfig(config))).toEqual(config)
      }),
    )
  })

  it('is what people type, comments and empty lines too', () => {
    expect(parseConfig('# mine\n\nA=1\r\nB = no\n'.replace('B = no\n', 'B="q" # kept\nC=\n'))).toEqual({
      A: '1',
      B: '"q" # kept',
      C: '',
    })
    expect(() => parseConfig("A=1\nB='open\n")).toThrow('Line 2 is not KEY=VALUE.')
  })
})
