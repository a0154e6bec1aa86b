import type { FastifyReply, FastifyRequest } from 'fastify'
import { expect, it } from 'vitest'
import { page } from '../../../src/api/http/page.ts'

type Item = { id: string; size: number }

/** One answer: its ids, and the range that the next one is asked for with. */
function ask(items: Item[], range: string): { ids: string; next: string | undefined } {
  const headers: Record<string, string> = {}
  const reply = { header: (name: string, value: string) => ((headers[name] = value), reply), code: () => reply }
  const request = { headers: { range } }
  const order = { size: ({ size }: Item) => size }
  const shown = page(request as unknown as FastifyRequest, reply as unknown as FastifyReply, items, order)
  return { ids: shown.map(({ id }) => id).join(''), next: headers['Next-Range'] }
}

const items = ['c', 'a', 'd', 'b'].map((id) => ({ id, size: id === 'd' ? 2 : 1 }))

it.each([
  ['asc', 'ca', 'bd'],
  ['desc', 'db', 'ac'],
])('items with the same value keep their order over pages, %s', (order, first, second) => {
  const one = ask(items, `size ..; max=2, order=${order}`)
  const two = ask(items, one.next ?? '')
  expect([one.ids, two.ids, two.next]).toEqual([first, second, undefined])
})

it('none is left out when the one that a page ended with is gone before the next is asked for', () => {
  const { next = '' } = ask(items, 'size ..; max=1')
  expect(next).toBe('size ]1 c..; max=1')
  expect(ask(items.slice(1), next.replace('max=1', 'max=9')).ids).toBe('abd')
})
