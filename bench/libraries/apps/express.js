import express from 'express'

const text = 'hello'

const app = express()
app.get('/', (request, response) => response.type('text').send(text))
app.get('/json/:id', (request, response) => response.json({ id: request.params.id, name: 'Ada' }))
app.post('/echo', express.json(), (request, response) => response.json(request.body))
app.listen(process.env.PORT)
