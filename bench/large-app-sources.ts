import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export type LargeApp = { name: string; kind: 'node' | 'python'; files: Record<string, string> }

/** What a large app is made of today: with what these need some 950 packages, 400 MB, 53,000 files. */
const packages = {
  '@aws-sdk/client-s3': '^3',
  '@babel/core': '^7',
  '@babel/preset-env': '^7',
  '@nestjs/common': '^11',
  '@nestjs/core': '^11',
  antd: '^5',
  'core-js': '^3',
  eslint: '^9',
  express: '^5',
  'firebase-admin': '^13',
  'html-webpack-plugin': '^5',
  jest: '^29',
  lodash: '^4',
  react: '^19',
  'react-dom': '^19',
  rxjs: '^7',
  typescript: '^5',
  webpack: '^5',
  'webpack-dev-server': '^5',
}

/** The lock file is what the registry gives today. */
export async function nodeApp(dependencies: Record<string, string> = packages): Promise<LargeApp> {
  const manifest = {
    name: 'large',
    version: '1.0.0',
    private: true,
    scripts: { start: 'node server.js' },
    dependencies,
  }
  const directory = await mkdtemp(join(tmpdir(), 'paas-bench-'))
  try {
    await writeFile(join(directory, 'package.json'), JSON.stringify(manifest))
    await promisify(execFile)('npm', ['install', '--package-lock-only', '--ignore-scripts', '--no-audit'], {
      cwd: directory,
    })
    const lock = await readFile(join(directory, 'package-lock.json'), 'utf8')
    const server = `require('express')().get('/', (_, answer) => answer.send(require('./answer'))).listen(process.env.PORT)\n`
    const files = { 'package.json': JSON.stringify(manifest), 'package-lock.json': lock, 'server.js': server }
    return { name: 'Node.js app of 950 packages', kind: 'node', files }
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** With what these need, some 60 packages. */
const requirements = [
  'aiohttp',
  'alembic',
  'boto3',
  'celery',
  'fastapi',
  'flask',
  'gunicorn',
  'httpx',
  'numpy',
  'pillow',
  'pydantic-settings',
  'pyyaml',
  'redis',
  'requests',
  'rich',
  'sqlalchemy',
  'uvicorn',
]

export function pythonApp(): LargeApp {
  const app = `from flask import Flask\nfrom answer import TEXT\n\napp = Flask(__name__)\napp.get("/")(lambda: TEXT)\n`
  const Procfile = 'web: gunicorn --workers 1 --bind 0.0.0.0:$PORT app:app\n'
  const files = { 'requirements.txt': `${requirements.join('\n')}\n`, 'app.py': app, Procfile }
  return { name: 'Python app of 60 packages', kind: 'python', files }
}

/** As one would write it for a cache of steps. */
export const dockerfiles = {
  node: (base: string) => `FROM ${base}
USER root
ENV PATH=/usr/lib/paas/bin:/usr/local/bin:/usr/bin:/bin PORT=8000 NODE_ENV=production
WORKDIR /srv
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
CMD ["npm", "start"]
`,
  python: (base: string) => `FROM ${base}
USER root
ENV PORT=8000
WORKDIR /srv
COPY requirements.txt ./
RUN python3 -m venv --without-pip venv && pip --python venv/bin/python install --requirement requirements.txt
COPY . .
CMD ["venv/bin/gunicorn", "--workers", "1", "--bind", "0.0.0.0:8000", "app:app"]
`,
}
