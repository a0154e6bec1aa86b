import { STATUS_CODES } from 'node:http'

/** What the router answers or logs by itself, under Heroku's codes, descriptions and statuses. */
export const routerErrors = {
  H10: {
    description: 'App crashed',
    status: 503,
    text: 'This app has crashed. Its log has the reason.',
  },
  H12: { description: 'Request timeout', status: 503, text: 'The app did not respond in time.' },
  H13: {
    description: 'Connection closed without response',
    status: 503,
    text: 'This app closed the connection without a response.',
  },
  H14: { description: 'No web processes running', status: 503, text: 'This app has no web process running.' },
  H15: { description: 'Idle connection', status: 503, text: 'This app stopped responding.' },
  H17: {
    description: 'Poorly formatted HTTP response',
    status: 503,
    text: 'This app sent a response that is not valid HTTP.',
  },
  H18: { description: 'Server Request Interrupted', status: 503, text: 'This app interrupted its response.' },
  H19: {
    description: 'Backend connection timeout',
    status: 503,
    text: 'This app did not accept the connection in time.',
  },
  H21: { description: 'Backend connection refused', status: 503, text: 'This app refused the connection.' },
  H22: {
    description: 'Connection limit reached',
    status: 503,
    text: 'There are too many connections at the moment. Try again shortly.',
  },
  H27: { description: 'Client Request Interrupted', status: 499, text: '' },
  H28: { description: 'Client Connection Idle', status: 499, text: '' },
  H31: {
    description: 'Misdirected Request',
    status: 421,
    text: 'The Host header does not match the host name of the TLS handshake.',
  },
  H80: {
    description: 'Maintenance mode',
    status: 503,
    text: 'This app is closed for maintenance. It will be back soon.',
  },
  H81: { description: 'Blank app', status: 503, text: 'Nothing has been deployed to this app yet.' },
  H90: {
    description: 'Held too long',
    status: 503,
    text: 'This app is being replaced by its next version, which takes longer than usual. Try again shortly.',
  },
  H99: {
    description: 'Platform error',
    status: 503,
    text: 'The deployment server is not ready at the moment. Apps keep running. Try again shortly.',
  },
} as const

/** What an app answers that has nothing running, by the state of its route. */
export const codeOfState = { blank: 'H81', down: 'H14', crashed: 'H10', maintenance: 'H80' } as const

export type RouterCode = keyof typeof routerErrors

/** An answer of the router's own: an error under a code, or the refusal of a request. */
export type Answer = {
  status: number
  title: string
  text: string
  code: RouterCode | undefined
  /** Why the request is not passed on, in a few words. */
  refusal?: string
  /** Sent as it is, in place of the title and the text. */
  plain?: string
  /** HTML of the app's own in place of the title and the text, as latin1. */
  page?: string
  /** Where else it is. */
  location?: string
  /** Lines of its head. */
  headers?: string
}

export function answerFor(code: RouterCode): Answer {
  const { status, description, text } = routerErrors[code]
  return { status, title: description, text, code }
}

export const unknownHost: Answer = {
  status: 404,
  title: 'No such app',
  text: 'There is no app at this URL.',
  code: undefined,
}

export function answerForRefusal(status: number, reason: string): Answer {
  return {
    status,
    title: STATUS_CODES[status] ?? 'Error',
    text: `The request was refused: ${reason}.`,
    code: undefined,
    refusal: reason,
  }
}
