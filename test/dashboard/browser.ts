import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { TestApi } from '../api/test-api.ts'

export type Page = { status: number; headers: IncomingHttpHeaders; text: string }

/** What a browser without scripts does: keeps cookies, reads the hidden fields of forms, follows redirects. */
export class PlainBrowser {
  readonly #api: TestApi
  readonly cookies = new Map<string, string>()
  /** Of the last page. */
  page: Page = { status: 0, headers: {}, text: '' }
  path = ''

  constructor(api: TestApi) {
    this.#api = api
  }

  async open(path: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.#follow(await this.send('GET', path, { headers }), path)
  }

  /** Sends the form of the last page that has the button, with its hidden fields and these. */
  async submit(button: string, fields: Record<string, string> = {}): Promise<Page> {
    const form = this.page.text
      .split('<form')
      .slice(1)
      .find((part) => buttonsIn(part.split('</form>')[0] ?? '').some((one) => one.includes(button)))
    if (!form) throw new Error(`no form has ${button}:\n${this.page.text}`)
    const own = form.split('</form>')[0] ?? ''
    const hidden = [...own.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
    const pressed = /name="do" value="([^"]*)"/.exec(buttonsIn(own).find((one) => one.includes(button)) ?? '')
    const body = new URLSearchParams([
      ...hidden.map(([, name = '', value = '']) => [name, value]),
      ...(pressed ? [['do', pressed[1] ?? '']] : []),
      ...Object.entries(fields),
    ] as [string, string][])
    const to = (/action="([^"]*)"/.exec(own)?.[1] ?? this.path).replaceAll('&amp;', '&')
    return this.#follow(await this.send('POST', to, { body: body.toString() }), to)
  }

  async logIn(email = 'admin@example.com', password = 'correct horse'): Promise<Page> {
    await this.open('/dashboard/login')
    return this.submit('Log in', { email, password })
  }

  /** One request; redirects are not followed. */
  send(method: string, path: string, { headers = {}, body }: { headers?: Record<string, string>; body?: string } = {}) {
    const { promise, resolve, reject } = Promise.withResolvers<Page>()
    const asked = httpRequest(
      {
        socketPath: this.#api.config.paths.apiSocket,
        method,
        path,
        agent: false,
        headers: {
          host: 'localhost:8080',
          accept: 'text/html',
          cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
          ...(method === 'POST'
            ? { origin: 'http://localhost:8080', 'content-type': 'application/x-www-form-urlencoded' }
            : {}),
          ...headers,
        },
      },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => (text += chunk))
        answer.on('error', reject)
        answer.on('end', () => {
          for (const cookie of answer.headers['set-cookie'] ?? []) this.#keep(cookie)
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text })
        })
      },
    )
    asked.on('error', reject)
    asked.end(body)
    return promise
  }

  async #follow(page: Page, path: string): Promise<Page> {
    this.page = page
    this.path = path
    const { location } = page.headers
    return page.status === 303 && location !== undefined ? this.open(location) : page
  }

  #keep(cookie: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
    if (/Max-Age=0/.test(cookie)) this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}

/** From their attributes to their end. */
function buttonsIn(form: string): string[] {
  return form
    .split('<button')
    .slice(1)
    .map((part) => part.split('</button>')[0] ?? '')
}
