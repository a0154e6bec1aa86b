import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gitEnvironment, run } from '../helpers/repository.ts'

/** A tree as git stores it, names that no git client would take included. */
export type Tree = { [name: string]: string | Tree | Special }

/** What is neither a plain file nor a directory; `tree` is one that is there already. */
type Special = { executable: string } | { link: string } | { submodule: string } | { tree: string }

/** Writes the tree and a commit of it straight into a bare repository, past all checks; gives both ids. */
export async function commitByHand(gitDirectory: string, tree: Tree): Promise<{ commit: string; tree: string }> {
  const scratch = await mkdtemp(join(tmpdir(), 'paas-tree-'))
  const writer = new Writer(gitDirectory, join(scratch, 'input'))
  try {
    const id = await writer.tree(tree)
    const author = ['-c', 'user.name=A', '-c', 'user.email=a@example.com']
    return { tree: id, commit: await writer.git('', ...author, 'commit-tree', '-m', 'By hand', id) }
  } finally {
    await rm(scratch, { recursive: true })
  }
}

class Writer {
  readonly #gitDirectory: string
  readonly #input: string

  constructor(gitDirectory: string, input: string) {
    this.#gitDirectory = gitDirectory
    this.#input = input
  }

  async tree(tree: Tree): Promise<string> {
    const lines: string[] = []
    for (const [name, entry] of Object.entries(tree)) lines.push(`${await this.#entry(entry)}\t${name}\0`)
    return this.git(lines.join(''), 'mktree', '--missing', '-z')
  }

  async #entry(entry: Tree[string]): Promise<string> {
    if (typeof entry === 'string') return `100644 blob ${await this.#blob(entry)}`
    const { executable, link, submodule, tree } = entry as Record<string, unknown>
    if (typeof executable === 'string') return `100755 blob ${await this.#blob(executable)}`
    if (typeof link === 'string') return `120000 blob ${await this.#blob(link)}`
    if (typeof submodule === 'string') return `160000 commit ${submodule}`
    if (typeof tree === 'string') return `040000 tree ${tree}`
    return `040000 tree ${await this.tree(entry as Tree)}`
  }

  #blob(content: string): Promise<string> {
    return this.git(content, 'hash-object', '-w', '--stdin')
  }

  /** Runs git with `input` as its stdin and gives the one line it prints. */
  async git(input: string, ...argv: string[]): Promise<string> {
    await writeFile(this.#input, input)
    const env = { ...gitEnvironment(), GIT_DIR: this.#gitDirectory, INPUT: this.#input }
    const { code, output } = await run('sh', ['-c', 'exec git "$@" < "$INPUT"', 'git', ...argv], { env })
    if (code !== 0) throw new Error(output)
    return output.trim()
  }
}
