import Fastify from 'fastify'

const text = 'hello'

const app = Fastify()
app.get('/', async () => text)
app.get('/json/:id', async (request) => ({ id: request.params.id, name: 'Ada' }))
app.post('/echo', async (request) => request.body)
await app.listen({ port: process.env.PORT, host: '::' })
