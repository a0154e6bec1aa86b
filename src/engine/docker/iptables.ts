import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { withStreams } from '../../child-streams.ts'
import { PaasError } from '../../errors.ts'
import type { Chain } from './firewall-rules.ts'

/** Where administrators' commands are; a user's own PATH often leaves the first out. */
const path = '/usr/sbin:/sbin:/usr/bin:/bin'

/** Seconds to wait for another program that holds the lock of the tables (iptables(8), --wait). */
const patience = 10

/**
 * One table, through the command that belongs to this machine. Every change leaves what is not
 * named alone.
 */
export class Iptables {
  readonly #command: string
  readonly #table: string

  constructor(command: 'iptables' | 'ip6tables', table: 'filter' | 'raw' = 'filter') {
    this.#command = command
    this.#table = table
  }

  async hasChain(name: string): Promise<boolean> {
    return (await this.#list()).includes(`-N ${name}`)
  }

  /** Another server may make the same chain at the same moment. */
  async ensureChain(name: string): Promise<void> {
    if (await this.hasChain(name)) return
    const made = this.#run(['-N', name])
    await made.catch(async (error: unknown) => {
      if (!(await this.hasChain(name))) throw error
    })
  }

  /** Makes the chains hold these rules and no others, all in one step. */
  async replaceChains(chains: Chain[]): Promise<void> {
    await this.#restore([
      ...chains.map(({ name }) => `:${name} - [0:0]`),
      ...chains.flatMap(({ name, rules }) => rules.map((rule) => `-A ${name} ${rule}`)),
    ])
  }

  /**
   * Replaces the chain unless its rules are these, written as the command lists them: a rule that
   * counts forgets what it has counted when it is made again.
   */
  async keepChain({ name, rules }: Chain): Promise<void> {
    const found = await this.#rules(name)
    if (found.length !== rules.length || found.some((rule, at) => rule !== rules[at])) {
      await this.replaceChains([{ name, rules }])
    }
  }

  /**
   * Of the chain's rules that name this interface, exactly these remain. They are written as the
   * command lists them.
   */
  async setRules(chain: string, bridges: string, rules: string[]): Promise<void> {
    const wanted = [...new Set(rules)]
    const found = (await this.#rules(chain)).filter((rule) => `${rule} `.includes(`-i ${bridges} `))
    for (const rule of found.filter((one) => !wanted.includes(one))) await this.#delete(chain, rule)
    for (const rule of wanted.filter((one) => !found.includes(one))) await this.#insert(chain, rule)
  }

  /**
   * Puts the rules in front, in this order, where nothing accepts a packet before them; in one
   * step, so that they are never absent.
   */
  async ensureFirst(chain: string, wanted: string[]): Promise<void> {
    const deadline = performance.now() + patience * 1000
    for (;;) {
      const rules = await this.#rules(chain)
      if (wanted.every((rule, at) => rules[at] === rule)) return
      // Not by their numbers, which are others as soon as Docker makes a network.
      const removals = wanted.filter((rule) => rules.includes(rule)).map((rule) => `-D ${chain} ${rule}`)
      try {
        return await this.#restore([...removals, ...wanted.map((rule, at) => `-I ${chain} ${at + 1} ${rule}`)])
      } catch (cause) {
        // nf_tables has no lock: a step that somebody else's has overtaken fails.
        if (performance.now() > deadline) throw cause
      }
    }
  }

  async ensureLast(chain: string, rule: string): Promise<void> {
    if (!(await this.#rules(chain)).includes(rule)) await this.#run(['-A', chain, ...rule.split(' ')])
  }

  async #insert(chain: string, rule: string): Promise<void> {
    await this.#run(['-I', chain, '1', ...rule.split(' ')])
  }

  async #delete(chain: string, rule: string): Promise<void> {
    await this.#run(['-D', chain, ...rule.split(' ')])
  }

  async #rules(chain: string): Promise<string[]> {
    const start = `-A ${chain} `
    return (await this.#list()).filter((line) => line.startsWith(start)).map((line) => line.slice(start.length))
  }

  async #list(): Promise<string[]> {
    return (await this.#run(['-S'])).split('\n')
  }

  async #restore(changes: string[]): Promise<void> {
    const lines = [`*${this.#table}`, ...changes, 'COMMIT']
    await this.#spawn(`${this.#command}-restore`, ['--noflush', '--wait', String(patience)], `${lines.join('\n')}\n`)
  }

  #run(args: string[]): Promise<string> {
    return this.#spawn(this.#command, ['--wait', String(patience), '--table', this.#table, ...args])
  }

  async #spawn(command: string, args: string[], input = ''): Promise<string> {
    const child = withStreams(spawn(command, args, { stdio: 'pipe', env: { PATH: path } }))
    const failed = once(child, 'error').then(([cause]) => Promise.reject(notSecured(`${command} cannot be run`, cause)))
    child.stdin.on('error', () => undefined).end(input)
    const done = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    const [output, errors, [code]] = await Promise.race([done, failed])
    if (code === 0) return output
    throw notSecured(errors.trim().split('\n')[0] ?? '', new Error(`${command} ${args.join(' ')} exited with ${code}`))
  }
}

function notSecured(why: string, cause: unknown): PaasError {
  return new PaasError('host_not_secured', `The firewall that keeps apps from this host could not be set: ${why}.`, {
    cause,
  })
}
