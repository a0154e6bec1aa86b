import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { download } from '../../src/outbound/download.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { HttpReceiver } from './receiver.ts'

const allow = ['127.0.0.1/32']
const outboundTo = (networks: string[]) =>
  createOutbound({ outbound: { allow: networks }, certificateFiles: [], httpPort: 8080 })
const signal = new AbortController().signal

let server: HttpReceiver
beforeEach(async () => {
  server = await HttpReceiver.start()
})
afterEach(() => server[Symbol.asyncDispose]())

const at = (path: string) => `http://127.0.0.1:${server.port}${path}`
const get = async (url: string, most = 1000) => text(await download(outboundTo(allow), { url, most }, signal))
const redirectTo = (location: string) => {
  server.answer = (response, { path }) => {
    if (path === '/first') response.writeHead(302, { location }).end()
    else response.end('found')
  }
}

describe('a download', () => {
  it('gives what is there, and sends no more than a name of its own', async () => {
    server.answer = (response) => response.end('content')
    expect(await get(at('/a?token=x'))).toBe('content')
    const { host, ...headers } = server.requests[0]!.headers
    expect(headers).toEqual({ 'user-agent': 'paas', 'accept-encoding': 'identity', connection: 'close' })
    expect(host).toBe(`127.0.0.1:${server.port}`)
  })

  it('follows a redirect', async () => {
    redirectTo('/second')
    expect(await get(at('/first'))).toBe('found')
  })

  it.each([
    ['to the metadata service', 'http://169.254.169.254/latest/meta-data/', 'address_forbidden'],
    ['to another loopback address', 'http://127.0.0.2/', 'address_forbidden'],
    ['to a file', 'file:///etc/passwd', 'invalid_params'],
    ['to itself for ever', '/first', 'download_failed'],
  ])('does not follow one %s', async (_, location, code) => {
    redirectTo(location)
    await expect(get(at('/first'))).rejects.toMatchObject({ code })
  })

  it.each([
    'http://169.254.169.254/',
    'http://[::1]/',
    'http://0.0.0.0/',
    'http://2130706434/',
    'http://[::ffff:10.0.0.1]/',
  ])('of %s is refused', async (url) => {
    await expect(get(url)).rejects.toMatchObject({ code: 'address_forbidden' })
  })

  it('that fails says where and why, without what may be secret', async () => {
    server.answer = (response) => response.writeHead(404).end('no')
    const message = `http://127.0.0.1:${server.port}/a cannot be downloaded: it answers with status 404.`
    const url = at('/a?token=secret').replace('//', '//user:password@')
    await expect(get(url)).rejects.toMatchObject({ code: 'download_failed', message })
  })

  it('ends at its limit, and when its sender hangs up', async () => {
    server.answer = (response) => response.end('x'.repeat(1001))
    await expect(get(at('/'))).rejects.toMatchObject({ code: 'download_failed' })
    server.answer = (response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('x')
      setImmediate(() => response.destroy())
    }
    await expect(get(at('/'))).rejects.toMatchObject({ code: 'download_failed' })
  })
})
