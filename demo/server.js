const { createServer } = require('node:http')

createServer((request, response) => {
  response.end(`Hello from ${process.env.DYNO}\n`)
}).listen(process.env.PORT)
