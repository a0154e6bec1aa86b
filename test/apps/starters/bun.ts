import type { Starter } from '../starter.ts'

/** Bun's own way, without an install script. */
const bun = (line: string) =>
  `npm install --silent --no-save --prefix /tmp/bun @oven/bun-linux-x64
    export PATH=$PATH:/tmp/bun/node_modules/@oven/bun-linux-x64/bin
    ${line}`

export const bunApps: Starter[] = [
  {
    name: 'Elysia: its quick start',
    pack: 'bun',
    script: bun(`bun init --yes . && bun add elysia
      printf '%s\\n' "import { Elysia } from 'elysia'" \\
        "new Elysia().get('/', () => 'Hello Elysia').listen(process.env.PORT ?? 3000)" > index.ts`),
    path: '/',
    expected: /Hello Elysia/,
  },
  {
    name: 'Hono on Bun: its quick start',
    pack: 'bun',
    script: bun(`bun init --yes . && bun add hono
      printf '%s\\n' "import { Hono } from 'hono'" 'const app = new Hono()' \\
        "app.get('/', (c) => c.text('Hello Bun!'))" 'export default app' > index.ts`),
    path: '/',
    expected: /Hello Bun!/,
  },
]
