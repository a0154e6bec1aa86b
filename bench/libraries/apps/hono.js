import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const text = 'hello'

const app = new Hono()
app.get('/', (context) => context.text(text))
app.get('/json/:id', (context) => context.json({ id: context.req.param('id'), name: 'Ada' }))
app.post('/echo', async (context) => {
  try {
    return context.json(await context.req.json())
  } catch {
    return context.text('Bad Request', 400)
  }
})
serve({ fetch: app.fetch, port: Number(process.env.PORT) })
