import { describe, expect, it } from 'vitest'
import { NotPlain, parse } from '../../builder/steps/parse.ts'
import { needed, outline, plan } from '../../builder/steps/stages.ts'
import { expand } from '../../builder/steps/words.ts'

const context = { isDirectory: (path: string) => path === 'lib' }

/** What the last stage does and how its image runs. */
function read(dockerfile: string) {
  const outlines = outline(parse(dockerfile))
  const wanted = needed(outlines)
  const { steps, config } = plan(wanted.at(-1) ?? 0, outlines, {}, context)
  return { wanted, config, steps: steps.filter(({ kind }) => kind !== 'configuration') }
}

describe('a Dockerfile of usual steps', () => {
  it('is read with continued lines, comments in between, and words as JSON', () => {
    const { steps } = read('FROM a\nRUN one \\\n# comment\n\n  two\nRUN ["x", "y z"]\nRUN [ -e x ]\n')
    expect(steps).toMatchObject([
      { argv: ['/bin/sh', '-c', 'one   two'] },
      { argv: ['x', 'y z'] },
      { argv: ['/bin/sh', '-c', '[ -e x ]'] },
    ])
  })

  it('has in a step what was set before it, and an argument only where no variable has its name', () => {
    const { steps, config } = read('ARG G=1\nFROM a\nARG G X=arg\nENV X=env Y=$G\nRUN a\nENV Z=1\nENTRYPOINT b\n')
    expect(steps).toMatchObject([{ env: { G: '1', X: 'env', Y: '1' } }])
    expect(steps).not.toMatchObject([{ env: { Z: '1' } }])
    expect(config).toMatchObject({ Entrypoint: ['/bin/sh', '-c', 'b'], Cmd: null })
  })

  it('needs only the stages that lead to the last one', () => {
    expect(read('FROM a AS x\nFROM b AS y\nFROM x AS z\nFROM c\nCOPY --from=z /a /\n').wanted).toEqual([0, 2, 3])
  })

  it('copies to where WORKDIR leads', () => {
    const { steps } = read('FROM a\nWORKDIR /x\nWORKDIR y\nCOPY a b ./\nCOPY a ../c\nADD lib /\n')
    expect(steps).toMatchObject([
      { destination: '/x/y/', directories: [{ path: '/x' }, { path: '/x/y' }] },
      { destination: '/x/c', directories: [] },
      { destination: '/' },
    ])
  })
})

it.each([
  ['A', 'A'],
  ['$A-${B}', '1-2'],
  ['\'$A\' "$A" \\$A', '$A 1 $A'],
  ['${C:-x}${A:-x}${A:+y}${C:+y}', 'x1y'],
])('%s is expanded to %s', (text, expected) => {
  expect(expand(text, new Map(Object.entries({ A: '1', B: '2' })))).toBe(expected)
})

it.each([
  'RUN <<EOF\ntrue\nEOF',
  'RUN --mount=type=secret,id=x true',
  'RUN --mount=type=cache,target=/x,uid=1 true',
  'RUN --network=none true',
  'COPY --from=registry.example/a /a /b',
  'COPY --exclude=x . .',
  'COPY a[bc] /x/',
  'ADD http://10.0.0.1/a /x',
  'ADD a.tar /x',
  'ENV A=${B%c}',
  'ARG TARGETARCH',
  'ONBUILD RUN true',
  'NONSENSE',
])('%j is left to buildah', (step) => {
  expect(() => read(`FROM a\n${step}\n`)).toThrow(NotPlain)
})
