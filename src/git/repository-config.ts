import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Where refs live that keep commits of unfinished builds; never shown to clients, never theirs to
 * push.
 */
export const hiddenRefs = 'refs/paas'
/** Below it a ref for each build whose commit is kept, named by the build's id. */
export const keptBuilds = `${hiddenRefs}/builds`

export type RepositorySettings = {
  /** Bytes one push may have as it comes over the wire. */
  packBytes: number
  /** The directory of the hooks, one copy for all repositories. */
  hooks: string
}

/**
 * Brings configuration and attributes of a repository up to date. Several processes may do so at
 * once.
 */
export async function writeConfiguration(repository: string, settings: RepositorySettings): Promise<void> {
  await replace(join(repository, 'config'), configuration(settings))
  await replace(join(repository, 'info/attributes'), attributes)
}

/**
 * What a push may do. fsck runs as with --strict; the three exceptions are old tools' harmless
 * slips that many long-lived histories carry.
 */
function configuration({ packBytes, hooks }: RepositorySettings): string {
  return `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
	hooksPath = ${quote(hooks)}
	bigFileThreshold = 16m
	packedGitWindowSize = 64m
	packedGitLimit = 512m
	fsync = committed,reference
[receive]
	fsckObjects = true
	maxInputSize = ${packBytes}
	unpackLimit = 1
	denyDeletes = true
	procReceiveRefs = refs
	advertisePushOptions = true
	advertiseAtomic = true
	shallowUpdate = false
	keepAlive = 5
	autogc = false
[receive "fsck"]
	badTimezone = ignore
	missingSpaceBeforeDate = ignore
	zeroPaddedFilemode = ignore
[transfer]
	fsckObjects = true
	hideRefs = ${hiddenRefs}
[fetch]
	unpackLimit = 1
[uploadpack]
	allowFilter = false
	allowAnySHA1InWant = false
[gc]
	auto = 0
[maintenance]
	auto = false
[tar]
	umask = 0022
`
}

/**
 * The tree is exported byte for byte: info/attributes goes before any .gitattributes
 * (gitattributes(5)).
 */
const attributes = '* -export-ignore -export-subst -text -ident !eol !filter !working-tree-encoding\n'

async function replace(path: string, content: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(missing)) === content) return
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, content, { flush: true })
  await rename(draft, path)
}

function missing(cause: NodeJS.ErrnoException): undefined {
  if (cause.code !== 'ENOENT') throw cause
}

/** git-config(1): in double quotes only the double quote and the backslash need a backslash. */
function quote(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}
