import type { Starter } from '../starter.ts'

/** Only with packages of npm: `deno init --serve` takes some from JSR. */
const deno = (line: string) =>
  `npm install --silent --no-save --prefix /tmp/deno @deno/linux-x64-glibc
    export PATH=$PATH:/tmp/deno/node_modules/@deno/linux-x64-glibc DENO_DIR=/tmp/cache DENO_TLS_CA_STORE=system
    ${line}`

export const denoApps: Starter[] = [
  {
    name: 'Hono on Deno: its quick start',
    pack: 'deno',
    script: deno(`echo '{ "tasks": { "start": "deno run --allow-net main.ts" } }' > deno.json && deno add npm:hono
      printf '%s\\n' "import { Hono } from 'hono'" 'const app = new Hono()' \\
        "app.get('/', (c) => c.text('Hello Deno!'))" 'Deno.serve(app.fetch)' > main.ts`),
    path: '/',
    expected: /Hello Deno!/,
  },
  {
    name: 'Express on Deno: its quick start',
    pack: 'deno',
    script: deno(`echo '{}' > deno.json && deno add npm:express
      printf '%s\\n' 'import express from "express"' 'const app = express()' \\
        'app.get("/", (req, res) => { res.send("Welcome to the Dinosaur API!") })' \\
        'app.listen(Number(Deno.env.get("PORT") ?? 8000))' > main.ts && deno install --entrypoint main.ts`),
    path: '/',
    expected: /Welcome to the Dinosaur API!/,
  },
]
