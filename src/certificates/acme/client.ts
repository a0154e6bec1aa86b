import { rootCertificates } from 'node:tls'
import { Agent } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import acme, { type Authorization, type Client, type Order as OrderAtAuthority } from 'acme-client'
import {
  AuthorityError,
  type Authority,
  type AuthorityFacts,
  type AuthorityProblem,
  type Challenge,
  type Issued,
  type CertificateOrder,
  type RenewalQuestion,
  type RenewalWindow,
} from './order.ts'
import { renewalName } from './renewal-name.ts'

/** Milliseconds for one answer, and for what an authority does by itself; bytes of an answer. */
const limits = { answer: 30_000, validation: 120_000, bytes: 2 ** 20 }
/** An authority may refuse any nonce; half of them in a row end so once in a million requests. */
const mostNonces = 20
const urn = 'urn:ietf:params:acme:error:'

/** Shows what proves the names to whoever asks. */
export type Present = (challenges: Challenge[]) => Promise<void>

/**
 * Orders a certificate with a new key.
 * @throws AuthorityError
 */
export async function carryOut(order: CertificateOrder, present: Present): Promise<Issued> {
  const client = connect(order)
  const accountUrl = await logIn(client, order)
  const placed = await place(client, order)
  await prove(client, order, { placed, present })
  const { certificate, key } = await finalize(client, order.names, placed)
  return { accountUrl, certificate, key }
}

/** @returns undefined where the authority has no wishes. @throws AuthorityError */
export async function askForRenewal(question: RenewalQuestion): Promise<RenewalWindow | undefined> {
  prepare(question)
  const { data: directory } = await acme.axios.get<{ renewalInfo?: string }>(question.directory)
  const name = renewalName(question.certificate)
  if (directory.renewalInfo === undefined || name === undefined) return undefined
  const { data, headers } = await acme.axios.get<{ suggestedWindow?: { start: string; end: string } }>(
    `${directory.renewalInfo}/${name}`,
  )
  const [start, end] = [Date.parse(data.suggestedWindow?.start ?? ''), Date.parse(data.suggestedWindow?.end ?? '')]
  if (!(end > start)) throw new AuthorityError(wrong('it names no time to renew the certificate'))
  return { start, end, askAgainAfter: secondsIn(headers['retry-after']) ?? 21_600 }
}

/** @throws AuthorityError */
export async function askForFacts(authority: Authority): Promise<AuthorityFacts> {
  prepare(authority)
  type Directory = { newOrder?: unknown; meta?: { caaIdentities?: unknown; profiles?: object } }
  const { data } = await acme.axios.get<Directory>(authority.directory)
  if (typeof data.newOrder !== 'string') throw new AuthorityError(wrong('what it answers is no ACME directory'))
  const { caaIdentities, profiles } = data.meta ?? {}
  const texts = Array.isArray(caaIdentities) ? caaIdentities.filter((one) => typeof one === 'string') : []
  return {
    caaIdentities: texts.map((one) => one.toLowerCase()),
    profiles: profiles && Object.keys(profiles).map(oneLine),
  }
}

function connect({ account, ...authority }: CertificateOrder): Client {
  prepare(authority)
  const { binding } = account
  const client = new acme.Client({
    directoryUrl: authority.directory,
    accountKey: account.key,
    ...(account.url === undefined ? {} : { accountUrl: account.url }),
    ...(binding && { externalAccountBinding: { kid: binding.id, hmacKey: binding.key } }),
  })
  // Its own limit is 5, which is no option of the library.
  ;(client as unknown as { http: { maxBadNonceRetries: number } }).http.maxBadNonceRetries = mostNonces
  return client
}

/**
 * The library keeps neither the type of a problem nor Retry-After, tries by itself again for as
 * long as an authority says, and knows no limits of time and size.
 */
function prepare({ trust, answerWithin = limits.answer }: Authority): void {
  const { axios } = acme
  axios.interceptors.request.clear()
  axios.interceptors.response.clear()
  axios.defaults.maxContentLength = limits.bytes
  axios.defaults.maxRedirects = 0
  axios.defaults.headers.common['User-Agent'] = 'paas'
  if (trust.length > 0) axios.defaults.httpsAgent = new Agent({ ca: [...rootCertificates, ...trust] })
  // axios' own limit is for silence, and begins anew with each byte.
  axios.interceptors.request.use((request) => ({ ...request, signal: AbortSignal.timeout(answerWithin) }))
  axios.interceptors.response.use(
    (response) => {
      if (response.status >= 400 && response.data?.type !== `${urn}badNonce`) {
        throw new AuthorityError(problemIn(response))
      }
      return response
    },
    (failure: { code?: string; message: string; response?: Parameters<typeof problemIn>[0] }) => {
      const { response, code, message } = failure
      if (response && response.data?.type === `${urn}badNonce`) return response
      if (response) throw new AuthorityError(problemIn(response))
      if (/maxContentLength/.test(message)) throw new AuthorityError(wrong(`its answer has over ${limits.bytes} bytes`))
      const isLate = code === 'ERR_CANCELED' || code === 'ETIMEDOUT'
      const type = isLate ? 'slow' : 'unreachable'
      const detail = code === 'ERR_CANCELED' ? `no whole answer within ${answerWithin / 1000} s` : message
      throw new AuthorityError({ type, detail: detail || (code ?? 'no answer'), retryAfter: undefined })
    },
  )
}

type Answer = { status: number; data?: { type?: unknown; detail?: unknown }; headers: Record<string, unknown> }

function problemIn({ status, data, headers }: Answer): AuthorityProblem {
  const given = typeof data?.type === 'string' ? data.type : ''
  const type = given.startsWith(urn) ? given.slice(urn.length) : status === 429 ? 'rateLimited' : `status ${status}`
  const detail = typeof data?.detail === 'string' ? data.detail : `it answers with status ${status}`
  return { type, detail: oneLine(detail), retryAfter: secondsIn(headers['retry-after']) }
}

/** The account is made where there is none, or where the authority has forgotten it. */
async function logIn(client: Client, { account }: CertificateOrder): Promise<string> {
  if (account.url !== undefined) return account.url
  const contact = account.email === undefined ? {} : { contact: [`mailto:${account.email}`] }
  await client.createAccount({ termsOfServiceAgreed: true, ...contact })
  return client.getAccountUrl()
}

async function place(client: Client, { names, profile, replaces }: CertificateOrder): Promise<OrderAtAuthority> {
  const identifiers = names.map((value) => ({ type: isAddress(value) ? 'ip' : 'dns', value }))
  const wanted = { identifiers, ...(profile === undefined ? {} : { profile }) }
  if (replaces === undefined) return client.createOrder(wanted)
  try {
    return await client.createOrder({ ...wanted, replaces } as typeof wanted)
  } catch (cause) {
    // RFC 9773, section 5: it may be replaced already, or be another authority's.
    if (!(cause instanceof AuthorityError) || !/alreadyReplaced|malformed|status 4/.test(cause.problem.type))
      throw cause
    return client.createOrder(wanted)
  }
}

async function prove(
  client: Client,
  order: CertificateOrder,
  { placed, present }: { placed: OrderAtAuthority; present: Present },
): Promise<void> {
  const all = await client.getAuthorizations(placed)
  const open = all.filter(({ status }) => status === 'pending')
  if (open.length === 0) return
  const chosen = open.map((authorization) => choose(authorization, order))
  await present(await Promise.all(chosen.map((one) => challengeOf(client, one))))
  for (const { challenge } of chosen) await client.completeChallenge(challenge)
  await untilSettled('the names', async () => {
    const seen = await client.getAuthorizations(placed)
    for (const one of seen) if (one.status === 'invalid') throw new AuthorityError(refusalIn(one))
    return seen.every(({ status }) => status === 'valid')
  })
}

type Chosen = { authorization: Authorization; challenge: Authorization['challenges'][number] }

function choose(authorization: Authorization, order: CertificateOrder): Chosen {
  const challenge = authorization.challenges.find(({ type }) => type === order.challenge)
  if (challenge) return { authorization, challenge }
  const offered = authorization.challenges.map(({ type }) => type).join(', ')
  const detail = `it proves ${authorization.identifier.value} by ${offered} only, not by ${order.challenge}`
  throw new AuthorityError({ type: 'unsupported', detail: oneLine(detail), retryAfter: undefined })
}

async function challengeOf(client: Client, { authorization, challenge }: Chosen): Promise<Challenge> {
  const value = await client.getChallengeKeyAuthorization(challenge)
  const { type, token } = challenge as { type: Challenge['type']; token: string }
  const identity = type === 'tls-alpn-01' ? await alpnIdentity(authorization, value) : undefined
  return { type, name: authorization.identifier.value, token, value, identity }
}

async function alpnIdentity(authorization: Authorization, value: string): Promise<Challenge['identity']> {
  const own = await acme.crypto.createPrivateEcdsaKey('P-256')
  const [key, certificate] = await acme.crypto.createAlpnCertificate(authorization, value, own)
  return { certificate: String(certificate), key: String(key) }
}

async function finalize(
  client: Client,
  names: string[],
  placed: OrderAtAuthority,
): Promise<{ certificate: string; key: string }> {
  const [key, csr] = await acme.crypto.createCsr({ altNames: names }, await acme.crypto.createPrivateEcdsaKey('P-256'))
  let order = placed
  await untilSettled('the order', async () => (order = await client.getOrder(placed)).status !== 'pending')
  if (order.status === 'ready') order = await client.finalizeOrder(order, csr)
  await untilSettled('the certificate', async () => {
    if (order.status === 'processing') order = await client.getOrder(placed)
    if (order.status === 'invalid') throw new AuthorityError(refusalIn(order))
    return order.status === 'valid'
  })
  return { certificate: await client.getCertificate(order), key: String(key) }
}

/** Asks less and less often. @throws AuthorityError when it takes too long */
async function untilSettled(what: string, look: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + limits.validation
  for (let pause = 500; !(await look()); pause = Math.min(pause * 1.5, 10_000)) {
    const detail = `${what} took longer than ${limits.validation / 1000} s`
    if (performance.now() > deadline) throw new AuthorityError({ type: 'slow', detail, retryAfter: undefined })
    await delay(pause)
  }
}

/** Why a name was not proven, or an order failed: in the challenge, or in the order itself. */
function refusalIn(item: { challenges?: { error?: object }[]; error?: object }): AuthorityProblem {
  const error = [item, ...(item.challenges ?? [])].find(({ error: found }) => found !== undefined)?.error
  if (error === undefined) return wrong('it refuses without a reason')
  return problemIn({ status: 400, data: error, headers: {} })
}

function wrong(detail: string): AuthorityProblem {
  return { type: 'wrong', detail, retryAfter: undefined }
}

/** Seconds, or a date (RFC 9110, section 10.2.3); two weeks at most. */
function secondsIn(header: unknown): number | undefined {
  const text = typeof header === 'string' ? header : ''
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000
  return seconds > 0 ? Math.min(Math.ceil(seconds), 1_209_600) : undefined
}

function isAddress(name: string): boolean {
  return name.includes(':') || /^[\d.]+$/.test(name)
}

/** Others wrote it, and it is shown on terminals. */
function oneLine(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 500)
}
