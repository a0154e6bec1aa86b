import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { packFacts, packNames, packsDirectory, type PackName } from '../../src/build/packs.ts'
import { toolchainsFor, toolchainsOf } from '../../src/build/toolchains.ts'

const first = { mode: 'first', packs: packNames } as const

it('an app is built with the toolchain of the first pack that knows it, and with none for most', () => {
  expect(toolchainsFor(first, new Set(['go.mod', 'package.json']))).toEqual(['go'])
  expect(toolchainsFor(first, new Set(['package.json', 'index.html']))).toEqual([])
  expect(toolchainsFor(first, new Set(['Aptfile', 'go.mod']))).toEqual(['go'])
  expect(toolchainsFor(first, new Set())).toEqual([])
})

it('packs that are chosen bring theirs, whatever the source has', () => {
  expect(toolchainsFor({ mode: 'all', packs: ['nodejs', 'go'] }, new Set(['package.json']))).toEqual(['go'])
  expect(toolchainsFor({ mode: 'all', packs: ['https://host.example/go.tgz'] }, new Set(['go.mod']))).toEqual([])
})

it('an app that was built once is expected to need the same again', () => {
  expect(toolchainsOf('Node.js, Go')).toEqual(['go'])
  expect(toolchainsOf('Dockerfile')).toEqual([])
})

const names = packNames.flatMap((pack) => packFacts[pack].detectedBy.map((name) => [pack, name] as const))

it.each(names)('the pack %s detects an app by %s, and calls it as it says', (pack: PackName, name: string) => {
  const directory = mkdtempSync(join(tmpdir(), 'paas-detect-'))
  const detect = join(packsDirectory, pack, 'bin/detect')
  try {
    expect(spawnSync(detect, [directory]).status).toBe(1)
    writeFileSync(join(directory, name), '')
    expect(execFileSync(detect, [directory], { encoding: 'utf8' })).toBe(`${packFacts[pack].title}\n`)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
