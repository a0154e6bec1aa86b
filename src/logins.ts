import { addLogin, readCredentials, type Login } from './credentials.ts'
import type { Config } from './config.ts'

/** The login of the paas command for this server, kept by whoever started the server. */
export type Logins = {
  find(): Promise<Login | undefined>
  add(login: Login): Promise<void>
}

/**
 * What a role that may be another user asks its supervisor for (child_process, "subprocess.send").
 */
export type LoginCall = { login: 'find' } | { login: Login }
type LoginAnswer = { loginAnswer: Login | null } | { loginAnswer: null; loginError: string }

/** In the file itself. */
export function ownLogins({ publicUrl, credentialsFile }: Pick<Config, 'publicUrl' | 'credentialsFile'>): Logins {
  return {
    find: async () => readCredentials(credentialsFile).servers[publicUrl],
    add: async (login) => addLogin(publicUrl, login, credentialsFile),
  }
}

/** Through the supervisor, one call at a time. */
export function supervisorsLogins(): Logins {
  const ask = async (call: LoginCall): Promise<Login | undefined> => {
    const { promise, resolve, reject } = Promise.withResolvers<Login | undefined>()
    const onMessage = (message: LoginAnswer): void => {
      if (!('loginAnswer' in message)) return
      process.off('message', onMessage)
      if ('loginError' in message) reject(new Error(message.loginError))
      else resolve(message.loginAnswer ?? undefined)
    }
    process.on('message', onMessage)
    process.once('disconnect', () => reject(new Error('the supervisor is gone')))
    process.send?.(call)
    return promise
  }
  return {
    find: () => ask({ login: 'find' }),
    add: async (login) => void (await ask({ login })),
  }
}

export async function answerLogin({ login }: LoginCall, logins: Logins): Promise<LoginAnswer> {
  try {
    if (login === 'find') return { loginAnswer: (await logins.find()) ?? null }
    await logins.add(login)
    return { loginAnswer: null }
  } catch (cause) {
    return { loginAnswer: null, loginError: (cause as Error).message }
  }
}
