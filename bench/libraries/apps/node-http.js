import { createServer } from 'node:http'

const text = 'hello'

const plain = 'text/plain; charset=utf-8'

createServer((request, response) => {
  const { method, url } = request
  const id = /^\/json\/([^/?]+)$/.exec(url)?.[1]
  if (method === 'GET' && url === '/') answer(response, 200, plain, text)
  else if (method === 'GET' && id !== undefined) answerJson(response, { id: decodeURIComponent(id), name: 'Ada' })
  else if (method === 'POST' && url === '/echo') void echo(request, response)
  else answer(response, 404, plain, 'Not Found')
}).listen(process.env.PORT)

async function echo(request, response) {
  let body = ''
  request.setEncoding('utf8')
  for await (const chunk of request) body += chunk
  try {
    answerJson(response, JSON.parse(body))
  } catch {
    answer(response, 400, plain, 'Bad Request')
  }
}

function answerJson(response, value) {
  answer(response, 200, 'application/json; charset=utf-8', JSON.stringify(value))
}

function answer(response, status, type, body) {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body)
}
