/** One request to the Platform API in this process, as it comes from a client. */
type Question = { method: Method; url: string; headers: Record<string, string>; payload?: string }
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Asks the API. Never rejects for what the API refuses. */
export type Ask = (question: Question) => Promise<{ statusCode: number; headers: object; payload: string }>

/** What the API answers where it refuses: its status, the code of the catalogue and the message. */
export class ApiRefusal extends Error {
  readonly status: number
  readonly id: string

  constructor(status: number, { id, message }: { id?: string; message?: string }) {
    super(message ?? 'The server could not do this.')
    this.status = status
    this.id = id ?? 'internal'
  }
}

/**
 * The Platform API as one person has it: their token's rights, their address, the API's own checks
 * and messages. A page shows and does nothing in another way.
 */
export class Platform {
  readonly #ask: Ask
  readonly #headers: Record<string, string>

  /** `headers`: who asks, as a client says it. */
  constructor(ask: Ask, headers: Record<string, string>) {
    this.#ask = ask
    this.#headers = { accept: 'application/vnd.heroku+json; version=3', ...headers }
  }

  /** @throws ApiRefusal */
  async get<T>(path: string, headers: Record<string, string> = {}): Promise<T> {
    return this.#call<T>('GET', path, { headers })
  }

  /**
   * The first of a list in the order asked for, such as `version ..; order=desc,max=20`.
   * @throws ApiRefusal
   */
  async list<T>(path: string, range: string): Promise<T[]> {
    return this.#call<T[]>('GET', path, { headers: { range } })
  }

  /** @throws ApiRefusal */
  async send<T>(method: Method, path: string, body: object = {}, headers: Record<string, string> = {}): Promise<T> {
    return this.#call<T>(method, path, { headers, body })
  }

  /** A log session is asked for with POST, but only to look. @throws ApiRefusal */
  async look<T>(path: string, body: object): Promise<T> {
    return this.#call<T>('POST', path, { headers: {}, body })
  }

  /** An answer that is not JSON. @throws ApiRefusal */
  async text(path: string, headers: Record<string, string>): Promise<string> {
    const { statusCode, payload } = await this.#ask({
      method: 'GET',
      url: path,
      headers: { ...this.#headers, ...headers },
    })
    if (statusCode < 300) return payload
    throw new ApiRefusal(statusCode, JSON.parse(payload) as { id?: string; message?: string })
  }

  /** Undefined for what is not there, or not to be seen. @throws ApiRefusal for all else */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path)
    } catch (cause) {
      if (cause instanceof ApiRefusal && (cause.status === 404 || cause.status === 403)) return undefined
      throw cause
    }
  }

  async #call<T>(
    method: Method,
    url: string,
    { headers, body }: { headers: Record<string, string>; body?: object },
  ): Promise<T> {
    const { statusCode, payload } = await this.#ask({
      method,
      url,
      headers: { ...this.#headers, ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { payload: JSON.stringify(body) } : {}),
    })
    if (statusCode < 300) return (payload === '' ? undefined : JSON.parse(payload)) as T
    throw new ApiRefusal(statusCode, JSON.parse(payload) as { id?: string; message?: string })
  }
}

/** A path whose values are escaped: at`/apps/${name}/builds`. */
export function at(strings: TemplateStringsArray, ...values: (string | number)[]): string {
  return String.raw({ raw: strings }, ...values.map((value) => encodeURIComponent(value)))
}
