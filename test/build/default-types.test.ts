import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { defaultTypes } from '../../src/build/default-types.ts'

it('a buildpack’s bin/release declares process types in YAML, and says nothing into the server’s own log', async () => {
  const warnings: Error[] = []
  const note = (warning: Error) => void warnings.push(warning)
  process.on('warning', note)
  const types = await defaultTypes('%STRANGE\n---\ndefault_process_types: {web: x, "no name": y, clock: [z]}')
  expect(types).toEqual({ web: 'x' })
  await setImmediate()
  process.off('warning', note)
  expect(warnings).toEqual([])
})

it.each([
  ['lists in lists', '['.repeat(64_000)],
  ['keys of keys', '? '.repeat(32_000)],
  ['a name for nothing', '*x'],
  ['a text without an end', '"'],
])('%s are no YAML and fail the build', async (_, text) => {
  await expect(defaultTypes(text)).rejects.toThrow(
    "build failed: the output of the buildpack's bin/release is not YAML",
  )
})
