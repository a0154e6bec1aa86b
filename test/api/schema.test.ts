import { expect, it } from 'vitest'
import { answers, expectAllSeen } from './answers.ts'
import { TestApi } from './test-api.ts'

type Link = { method: string; href: string; targetSchema?: object }
type Document = { definitions: Record<string, { links?: Link[] }>; properties: Record<string, { $ref: string }> }

const api = await TestApi.forFile()
let schema: Document
const { text } = await api.call('GET', '/schema', { token: null })
schema = JSON.parse(text) as Document

const linksOf = (name: string) => schema.definitions[name]?.links ?? []
const callOf = ({ method, href }: Link) => `${method} ${href.replaceAll(/\{[^}]*\}/g, '*')}`

it('the schema has the calls of this server, and none that it does not take', () => {
  const taken = api.routes.map((route) => route.replaceAll(/:\w+|~/g, '*'))
  const told = Object.keys(schema.definitions).flatMap((name) => linksOf(name).map(callOf))
  expect(told.length).toBeGreaterThan(60)
  expect(told.filter((call) => !taken.includes(call))).toEqual([])
  expect(linksOf('app').map(callOf)).toContain('PATCH /apps/*')
  expect(linksOf('account').map(callOf)).not.toContain('DELETE /account')
})

it('names the resources, and refers to nothing that it lacks', () => {
  expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(['account', 'app', 'collaborator', 'release']))
  const references = JSON.stringify(schema).matchAll(/"\$ref":"#\/([^"]+)"|\{\((%23[^)]+)\)\}/g)
  const paths = [...references].map(([, plain, encoded]) => plain ?? decodeURIComponent(encoded ?? '').slice(2))
  const lacking = paths.filter(
    (path) => !path.split('/').reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], schema),
  )
  expect([...new Set(lacking)]).toEqual([])
})

it('has every resource that a route answers with', () => {
  const resources = Object.values(answers).flatMap((routes) => Object.values(routes))
  const names = resources.filter((shape) => typeof shape === 'string' || Array.isArray(shape)).map(String)
  expect([...new Set(names)].filter((name) => !schema.definitions[name])).toEqual([])
})

it('shows every route of its own', () => expectAllSeen('schema.test.ts'))
