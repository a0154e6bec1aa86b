import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { answers } from './answers.ts'
import { TestApi } from './test-api.ts'

it('every route has the shape of its answer, and no shape is of a route that is gone', async () => {
  await using api = await TestApi.start()
  const routes = api.routes.filter((route) => !route.startsWith('HEAD '))
  const shapes = Object.values(answers).flatMap((group) => Object.keys(group))
  expect(shapes.toSorted()).toEqual(routes.toSorted())
})

it.each(Object.keys(answers))('%s shows all answers that it is to show', (file) => {
  expect(readFileSync(join(import.meta.dirname, file), 'utf8')).toContain(`expectAllSeen('${file}')`)
})
