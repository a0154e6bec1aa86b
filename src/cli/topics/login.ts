import { hostname, userInfo } from 'node:os'
import type { Command } from 'commander'
import { Client } from '../client.ts'
import { define, type Options } from '../command.ts'
import { forgetLogin, readCredentials, saveLogin, type Login } from '../../credentials.ts'
import { PaasError } from '../../errors.ts'
import { note, print } from '../output.ts'
import { Prompt } from '../prompt.ts'
import type { AccountJson, AuthorizationJson } from '../resources/accounts.ts'
import { chooseServer, parseServerUrl } from '../server.ts'
import { connect } from '../session.ts'
import { askCode, withCode } from '../two-factor-code.ts'

export function defineLogin(program: Command): void {
  define(program, {
    name: 'login',
    arguments: '[url]',
    summary: 'log in to a server and store the login',
    details: 'Asks for missing values: the URL, your email and password, or a token made with paas tokens:create.',
    examples: [
      'paas login                              # asks for everything',
      'paas login https://paas.example.com',
      'paas login --token https://paas.example.com < token.txt',
    ],
  })
    .option('-t, --token', 'ask for a token instead of email and password')
    .action(login)

  define(program, {
    name: 'logout',
    summary: 'remove the login from this machine',
    details: 'The token is revoked too, if paas login created it.',
    examples: ['paas logout'],
  }).action(logout)

  define(program, {
    name: 'whoami',
    summary: 'show who is logged in',
    examples: ['paas whoami', 'paas whoami --json'],
  }).action(async (options: Options) => {
    const api = connect()
    print(options, await api.get<AccountJson>('/account'), ({ email }) => email)
  })
}

async function login(given: string | undefined, options: Options & { token?: true }): Promise<void> {
  using prompt = new Prompt()
  const url = parseServerUrl(given ?? (await prompt.ask('Server', chooseServer().url)), 'The server')
  const made = options.token ? await loginWithToken(url, prompt) : await loginWithPassword(url, prompt)
  saveLogin(url, made)
  note(`Logged in to ${url} as ${made.email}.`)
  if (options.json) print(options, { url, email: made.email }, () => '')
}

async function loginWithToken(url: string, prompt: Prompt): Promise<Login> {
  const token = (await prompt.askSecret('Token')).trim()
  const { email } = await new Client({ url, token }).get<AccountJson>('/account')
  return { token, email }
}

async function loginWithPassword(url: string, prompt: Prompt): Promise<Login> {
  const user = await prompt.ask('Email')
  const password = await prompt.askSecret('Password')
  const description = `paas login from ${userInfo().username}@${hostname()}`
  const { id, access_token } = await authorize(url, { user, password, description }, prompt)
  return { token: access_token?.token ?? '', email: user, authorization: id }
}

/** With a second factor, if the account has one. */
async function authorize(
  url: string,
  { user, password, description }: { user: string; password: string; description: string },
  prompt: Prompt,
): Promise<AuthorizationJson> {
  const ask = (headers: Record<string, string>): Promise<AuthorizationJson> =>
    new Client({ url, token: undefined }).call<AuthorizationJson>('/oauth/authorizations', {
      method: 'POST',
      body: { description, scope: ['global'] },
      basic: { user, password },
      headers,
    })
  try {
    return await ask({})
  } catch (cause) {
    if (!(cause instanceof PaasError) || cause.code !== 'two_factor') throw cause
    return await ask(withCode(await askCode(prompt)))
  }
}

async function logout(options: Options): Promise<void> {
  const server = chooseServer()
  const kept = readCredentials().servers[server.url]
  if (kept?.authorization) await revoke(server.url, kept, kept.authorization)
  forgetLogin(server.url)
  note(kept ? `Logged out of ${server.url}.` : `You were not logged in to ${server.url}.`)
  if (options.json) print(options, { url: server.url }, () => '')
}

async function revoke(url: string, { token }: Login, id: string): Promise<void> {
  try {
    await new Client({ url, token }).delete(`/oauth/authorizations/${id}`)
  } catch (cause) {
    note(`The token could not be revoked: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}
