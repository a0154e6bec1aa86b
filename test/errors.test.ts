import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { asPaasError, isPassing, PaasError } from '../src/errors.ts'
import { catalogue } from '../src/errors-catalogue.ts'

const document = readFileSync(resolve(import.meta.dirname, '../docs/errors.md'), 'utf8')
const codes = Object.keys(catalogue)

describe('the catalogue of errors', () => {
  it('is docs/errors.md: every code has its heading there, and no heading is without a code', () => {
    expect([...document.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)).toEqual(codes)
  })

  it('is in alphabetical order', () => {
    expect(codes).toEqual(codes.toSorted((a, b) => (a < b ? -1 : 1)))
  })

  it('says under each heading what it means', () => {
    const sections = document.split(/^## .+$/gm).slice(1)
    expect(sections.filter((section) => section.trim().length < 60)).toEqual([])
  })

  it('answers each with the status of an error', () => {
    const wrong = Object.entries(catalogue).filter(([, { status }]) => status < 400 || status > 599)
    expect(wrong).toEqual([])
  })
})

describe('an error', () => {
  it('that came first is the one that counts, where tidying up after it failed too', () => {
    const first = new PaasError('engine_unavailable', 'Docker does not answer.')
    const both = new SuppressedError(new Error('not removed'), first, 'An error was suppressed during disposal.')
    expect([asPaasError(both), isPassing(asPaasError(both))]).toEqual([first, true])
  })

  it('has the hint of its code unless it has one of its own', () => {
    expect(new PaasError('app_not_found', 'x').hint).toBe('See your apps with: paas apps')
    expect(new PaasError('app_not_found', 'x', { hint: 'y' }).hint).toBe('y')
  })

  it('that is not one of ours becomes internal, and its text stays inside', () => {
    const cause = new Error('connect ECONNREFUSED /secret/path')
    const error = asPaasError(cause)
    expect([error.code, error.status, error.cause]).toEqual(['internal', 500, cause])
    expect(error.message).not.toContain('secret')
    expect(asPaasError(error)).toBe(error)
  })

  it.each([
    ['ENOSPC', 'disk_full', /is full/],
    ['EDQUOT', 'disk_full', /quota/],
    ['EROFS', 'data_directory_unusable', /read-only/],
  ])('of a disk that takes nothing (%s) says so, and passes by itself', (code, ours, words) => {
    const error = asPaasError(Object.assign(new Error(`${code}: no luck, open '/secret/path'`), { code }))
    expect(error).toMatchObject({ code: ours, message: expect.stringMatching(words) as string })
    expect(error.message).not.toMatch(/secret|E[A-Z]{4}/)
    expect(isPassing(error)).toBe(true)
  })

  it.each([
    [{ code: 'EMFILE' }, /file descriptors/],
    [{ code: 'ENFILE' }, /file descriptors/],
    [{ code: 'ENOMEM' }, /memory/],
    [{ code: 'EAGAIN', syscall: 'spawn git' }, /processes/],
  ])('of a server that has no more of something (%o) says of what, and passes by itself', (system, words) => {
    const error = asPaasError(Object.assign(new Error('no luck'), system))
    const message = expect.stringMatching(words) as string
    expect(error).toMatchObject({ code: 'server_exhausted', status: 503, message })
    expect(isPassing(error)).toBe(true)
  })
})
