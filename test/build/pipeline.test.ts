import { afterAll, describe, expect, it } from 'vitest'
import { TestRepository } from '../helpers/repository.ts'
import { Builder } from './builder.ts'

const builder = new Builder()
afterAll(() => builder[Symbol.asyncDispose]())

describe('a build', () => {
  it('makes an image of a Node.js app, with the process type of its start script', async () => {
    await using repository = await TestRepository.fromFixture('node-hello')
    const app = builder.app(repository)
    const result = await app.build()
    expect(result).toMatchObject({ buildpack: 'Node.js', stack: 'debian-13', processTypes: { web: 'npm start' } })
    const image = await builder.engine.findImage(result.image)
    expect(image?.labels).toMatchObject({
      'paas.app': app.id,
      'paas.packs': 'nodejs',
      'org.opencontainers.image.revision': await repository.head(),
    })
  })
})
