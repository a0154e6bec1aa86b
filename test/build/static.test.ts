import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { packsDirectory } from '../../src/build/packs.ts'
import { run } from '../helpers/repository.ts'
import { Builder } from './builder.ts'

const builder = new Builder()
afterAll(() => builder[Symbol.asyncDispose]())

const page = '<h1>page</h1>'
const settings = (value: object) => JSON.stringify(value)

describe('a static site', () => {
  it('is served from its root, with a page for what is missing', async () => {
    await using app = await builder.app('static-site')
    const result = await app.build()
    expect(result).toMatchObject({ buildpack: 'Static site', processTypes: { web: '.paas/serve-static' } })
    await using site = await app.serve(result)
    const index = await site.get('/')
    expect(index).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } })
    expect(index.body).toContain('Hello from a static site')
    expect(await site.get('/assets/style.css')).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'no-cache' },
    })
    const missing = await site.get('/missing')
    expect(missing.status).toBe(404)
    expect(missing.body).toContain('This page is not here')
    expect((await site.get('/assets')).headers.location).toBe('/assets/')
    expect((await site.get('/assets/')).status).toBe(404)
  })

  it('is asked for again only when it changed', async () => {
    await using app = await builder.app('static-site')
    await using site = await app.serve(await app.build())
    const { etag = '' } = (await site.get('/')).headers
    expect((await site.get('/', { 'if-none-match': etag })).status).toBe(304)
  })

  it('is compressed for those who can read it', async () => {
    await using app = await builder.app({ 'index.html': page.repeat(100) })
    await using site = await app.serve(await app.build())
    expect((await site.get('/', { 'accept-encoding': 'gzip' })).headers['content-encoding']).toBe('gzip')
  })

  it('shows nothing of what the platform keeps beside it', async () => {
    await using app = await builder.app({
      'index.html': page,
      '.env': 'SECRET=x',
      '.well-known/security.txt': 'public',
      Procfile: 'release: true\n',
      'static.json': settings({ root: '.' }),
      'docs/.hidden/file': 'x',
    })
    await using site = await app.serve(await app.build())
    const hidden = ['/.env', '/.paas/nginx.conf', '/%2eenv', '/docs/.hidden/file', '/Procfile', '/static.json']
    const answers = await Promise.all(hidden.map((path) => site.get(path)))
    expect(answers.map(({ status }) => status)).toEqual(hidden.map(() => 404))
    expect((await site.get('/../../../etc/passwd')).status).toBeGreaterThanOrEqual(400)
    expect((await site.get('/.well-known/security.txt')).body).toBe('public')
  })

  it('is found in public', async () => {
    await using app = await builder.app({ 'public/index.html': page, 'private.txt': 'x' })
    await using site = await app.serve(await app.build())
    expect((await site.get('/')).body).toBe(page)
    expect((await site.get('/private.txt')).status).toBe(404)
  })

  it('is served as static.json says', async () => {
    await using app = await builder.app({
      'site/index.html': page,
      'site/about.html': 'about',
      'site/error.html': 'custom error',
      'site/app/start.html': 'the app',
      'static.json': settings({
        root: 'site/',
        clean_urls: true,
        error_page: 'error.html',
        routes: { '/app/**': 'app/start.html' },
        redirects: { '/old': { url: '/about' }, '/away/*': { url: 'https://example.com/', status: 302 } },
        headers: {
          '/': { 'X-Frame-Options': 'DENY' },
          '/**': { 'X-Site': 'ours' },
          '/about': { 'Cache-Control': 'max-age=60', 'Content-Security-Policy': "default-src 'self'; img-src *" },
        },
      }),
    })
    await using site = await app.serve(await app.build())
    expect((await site.get('/about')).body).toBe('about')
    expect(await site.get('/nowhere')).toMatchObject({ status: 404, body: 'custom error' })
    expect((await site.get('/app/any/page')).body).toBe('the app')
    expect(await site.get('/old')).toMatchObject({ status: 301, headers: { location: '/about' } })
    expect(await site.get('/away/x')).toMatchObject({ status: 302, headers: { location: 'https://example.com/' } })
    expect((await site.get('/')).headers).toMatchObject({ 'x-frame-options': 'DENY', 'x-site': 'ours' })
    const { headers } = await site.get('/about')
    expect(headers).not.toHaveProperty('x-frame-options')
    expect(headers['content-security-policy']).toBe("default-src 'self'; img-src *")
    expect((await site.get('/error.html')).headers['cache-control']).toBe('no-cache')
  })

  it('is served as _redirects and _headers of Netlify say', async () => {
    await using app = await builder.app({
      'public/index.html': page,
      'public/app.html': 'the app',
      'public/_redirects':
        '# ours\n/old /new\n/news/*  /blog/:splat  302!\n/u/:id https://example.com/users/:id 301\n/app/* /app.html 200\n',
      'public/_headers':
        "/*\n  X-Site: ours\n  Content-Security-Policy: default-src 'self'; img-src *\n/app/*\n  X-App: yes\n",
    })
    await using site = await app.serve(await app.build())
    const location = async (path: string) => (await site.get(path)).headers.location
    expect(await location('/old')).toBe('/new')
    expect(await location('/news/2026/one')).toBe('/blog/2026/one')
    expect(await location('/u/7')).toBe('https://example.com/users/7')
    const routed = await site.get('/app/any')
    expect([routed.body, routed.headers['x-app'], routed.headers['x-site']]).toEqual(['the app', 'yes', 'ours'])
    expect((await site.get('/')).headers['content-security-policy']).toBe("default-src 'self'; img-src *")
    expect((await site.get('/_redirects')).status).toBe(404)
  })

  it.each([
    [
      '_redirects',
      '/api/* https://api.example.com/:splat 200',
      '_redirects: "/api/* https://api.example.com/:splat 200" is not supported',
    ],
    ['_redirects', '/ /de 302 Language=de', '_redirects: "/ /de 302 Language=de" is not FROM TO STATUS'],
    ['_headers', 'X-Site: ours', '_headers: "X-Site: ours" is not'],
  ])('with the %s %j is refused', async (file, text, reason) => {
    const root = await mkdtemp(join(tmpdir(), 'paas-static-'))
    await writeFile(join(root, file), text)
    const { output } = await run(process.execPath, [join(packsDirectory, 'lib/nginx-conf.mjs'), '.', 'plain'], {
      cwd: root,
    })
    await rm(root, { recursive: true })
    expect(output).toContain(reason)
  })

  it.each([
    ['{', 'static.json is not a JSON object'],
    ['[]', 'static.json is not a JSON object'],
    [settings({ root: '../..' }), 'static.json: root is "../..", which is not a directory of the app'],
    [settings({ root: '.', proxies: {} }), 'static.json: "proxies" is not supported'],
    [settings({ root: '.', error_page: 'x"; } evil {' }), 'static.json: "x\\"; } evil {" is not a text without quotes'],
    [settings({ root: '.', redirects: { '/a': { url: '$evil' } } }), 'static.json: "$evil" is not a text'],
    [settings({ root: '.', redirects: { '/a': 'b' } }), 'static.json: a redirect is'],
    [settings({ root: '.', headers: { '/': 'x' } }), 'static.json: headers of "/" are'],
  ])('with the static.json %j is refused', async (text, reason) => {
    await using app = await builder.app({ 'index.html': page, 'static.json': text })
    await expect(app.build()).rejects.toMatchObject({
      code: 'build_failed',
      message: expect.stringContaining(`build failed: ${reason}`),
    })
  })
})
