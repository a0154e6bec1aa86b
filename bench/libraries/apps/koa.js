import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import Koa from 'koa'

const text = 'hello'

const router = new Router()
router.get('/', (context) => void (context.body = text))
router.get('/json/:id', (context) => void (context.body = { id: context.params.id, name: 'Ada' }))
router.post('/echo', bodyParser(), (context) => void (context.body = context.request.body))
new Koa().use(router.routes()).listen(process.env.PORT)
