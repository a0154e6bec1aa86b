import type { GitLimits } from './limits.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { asPaasError, PaasError } from '../errors.ts'
import type { Held } from '../grants/grants.ts'
import type { Logger } from '../log.ts'
import type { Account } from '../model/account.ts'
import type { App } from '../model/app.ts'
import type { Queue } from '../queue/queue.ts'
import type { Quotas } from '../quotas/quotas.ts'
import { checkCount, readPushHead, type RefCommand, type PushHead } from './command-list.ts'
import { checkDiskSpace, noDiskSpaceFor } from '../source/disk-space.ts'
import { explainRejection } from './explain-rejection.ts'
import { onceClosed, sendAnswer, startService, type RunningService } from './git-service.ts'
import type { Judgement } from './judge.ts'
import { judgeRefs } from './judge-refs.ts'
import type { Maintenance } from './maintenance.ts'
import type { TransferSlots } from '../source/transfer-slots.ts'
import type { Push, Pushes } from './pushes.ts'
import { endAfter, lineFor, refusePush, takesReport } from './refusals.ts'
import { ReportRewriter } from './report-rewriter.ts'
import { noRoomFor, roomIn } from './repository-size.ts'
import type { Repositories } from '../model/repositories.ts'
import { ClientGone, openBody, type Body } from '../source/body.ts'
import { isKnown, type SameCommitDeps } from './same-commit.ts'
import type { UnclaimedPacks } from './unclaimed-packs.ts'

/** Bytes of refs and push options, at most. */
const besidePack = 5 * 2 ** 20

export type ServePushOptions = SameCommitDeps & {
  pushes: Pushes
  repositories: Pick<Repositories, 'countTags' | 'resolve'>
  maintenance: Pick<Maintenance, 'afterPush'>
  unclaimed: Pick<UnclaimedPacks, 'watch'>
  queue: Pick<Queue, 'expect'>
  quotas: Pick<Quotas, 'checkBuild' | 'holdRepositoryRoom'>
  slots: TransferSlots
  beginnings: TransferSlots
  limits: GitLimits
  log: Logger
  account: Account
  app: App
  /** What the push stands on, from its beginning to its verdict. */
  access: Held
  from: Push['from']
  repository: string
  req: IncomingMessage
  res: ServerResponse
}

/** Answers one push: its head is read and judged here, then git gets it and what follows. */
export async function servePush(options: ServePushOptions): Promise<void> {
  const { app, account, slots, queue, quotas, limits, repository, req, res } = options
  const { head, body } = await begin(options)
  if (head.list.commands.length === 0 && !head.isCut) return answerProbe(body, res)
  try {
    checkCount(head)
    using _slot = slots.take(app, account)
    const spare = await checkDiskSpace(repository, limits.freeBytes)
    const judgements = await judgeRefs(options.repositories, app, asked(head))
    const reasons = judgements.flatMap((judgement) => (judgement.kind === 'refuse' ? [judgement.reason] : []))
    // If every ref is refused already, the pack is not read.
    if (reasons.length === judgements.length) return await refuseRefs(options, head, reasons)
    checkBuilds(options, judgements)
    const room = await roomIn(repository, limits.repositoryBytes, options.access.signal)
    body.allow(room, noRoomFor(room, limits.repositoryBytes))
    body.allow(spare, noDiskSpaceFor(spare))
    body.count(await quotas.holdRepositoryRoom(app))
    // Git still has to check the pack; a sandbox can be started meanwhile.
    if (head.list.commands.some(mayDeploy)) void queue.expect(app.id)
    await receive(options, body, head)
    options.maintenance.afterPush(app, repository)
  } catch (cause) {
    const error = asPaasError(cause)
    if (res.headersSent || error.code === 'internal' || !takesReport(head.list)) throw cause
    await refusePush(req, res, head.list, lineFor(error))
  }
}

/**
 * Reads the list of refs. Those that do not send it are few at a time.
 * @throws pushes_limit, bad_request
 */
async function begin({
  app,
  account,
  beginnings,
  limits,
  req,
}: ServePushOptions): Promise<{ head: PushHead; body: Body }> {
  using _beginning = beginnings.take(app, account)
  // Git enforces the limit of the pack. This one ends an input without end, refs and push options
  // included.
  const body = openBody(req, { ...limits, bytes: limits.packBytes + besidePack })
  return { head: await readPushHead(body), body }
}

function asked({ list }: PushHead): { commands: RefCommand[]; atomic: boolean } {
  return { commands: list.commands, atomic: list.capabilities.has('atomic') }
}

/**
 * Before the pack comes; a commit that is built or serves already needs no build.
 * @throws account_limit
 */
function checkBuilds(options: ServePushOptions, judgements: Judgement[]): void {
  const { app, quotas } = options
  const [deployed] = judgements.filter((judgement) => judgement.kind === 'deploy')
  if (deployed && !isKnown(options, app, deployed.commit)) quotas.checkBuild(app)
}

async function refuseRefs({ req, res }: ServePushOptions, { list }: PushHead, reasons: string[]): Promise<void> {
  if (takesReport(list)) return refusePush(req, res, list, reasons)
  throw new PaasError('push_refused', `The push was refused: ${list.commands[0]?.ref}: ${reasons[0]}.`)
}

function mayDeploy({ ref }: RefCommand): boolean {
  return !ref.startsWith('refs/tags/')
}

/** Before a large push git sends an empty one, to learn whether it would be let in. */
function answerProbe(body: Readable, res: ServerResponse): void {
  body.resume()
  res.end()
}

async function receive(options: ServePushOptions, body: Readable, head: PushHead): Promise<void> {
  const { pushes, app, account, access, from, repository, req, res, log, limits } = options
  const nobodyReads = new AbortController()
  using packs = await options.unclaimed.watch(repository)
  const git = await startService('receive-pack', repository)
  const { signal } = nobodyReads
  using opened = pushes.open(git.pid, { app, account, access, from, signal, takesReport: takesReport(head.list) })
  const upload = new Upload(git, body)
  onceClosed(res, () => nobodyReads.abort(new ClientGone()))
  try {
    upload.start(head)
    const sent = await sendAnswer(inOurWords(git.output, options, head, upload), res, limits.idleMs)
    const { code, complaint } = await git.closed
    if (code !== 0) log.info({ app: app.id, code, complaint }, 'receive-pack refused the push')
    if (opened.push.refusals?.length === head.list.commands.length) packs.refused()
    signal.throwIfAborted()
    if (!sent) checkSilence(opened.push, explainRejection(limits)('unpacker error', complaint))
    await endAfter(req, res)
  } finally {
    nobodyReads.abort(new ClientGone())
    git.abandon()
    git.output.resume()
  }
}

/**
 * Git says nothing to a client that asked for no report: for a push that was taken that is the
 * answer, and any other one must end with an HTTP error, the only thing that is left to tell it by.
 */
function checkSilence({ takesReport: isAsked, refusals }: Push, broken = 'unpacker error'): void {
  if (isAsked) throw new PaasError('internal', 'git ended without an answer.')
  const [reason] = refusals ?? [broken]
  if (reason !== undefined) throw new PaasError('push_refused', `The push was refused: ${reason}.`)
}

function inOurWords(answer: Readable, { limits }: ServePushOptions, { list }: PushHead, upload: Upload): Readable {
  if (!list.capabilities.has('side-band-64k')) return answer
  const known = explainRejection(limits)
  return answer.pipe(new ReportRewriter((reason, said) => upload.problem ?? known(reason, said)))
}

/** The client's part of a push on its way into git. */
class Upload {
  readonly #git: RunningService
  readonly #body: Readable
  #failure: Error | undefined
  #over: boolean

  constructor(git: RunningService, body: Readable) {
    this.#git = git
    this.#body = body
    this.#over = body.readableEnded
    body.once('end', () => (this.#over = true))
    body.on('error', (cause) => this.#cutOff(cause))
  }

  /** Why what came is not all there is, in words for the report. */
  get problem(): string | undefined {
    return this.#failure instanceof PaasError ? lineFor(this.#failure) : undefined
  }

  start({ bytes, rest }: PushHead): void {
    // Sent as a chunk of its own: node-git-server matches a pattern against the first chunk.
    this.#git.input.write(bytes.subarray(0, 4))
    this.#git.input.write(bytes.subarray(4))
    if (rest.length > 0) this.#git.input.write(rest)
    if (this.#body.errored) this.#cutOff(this.#body.errored)
    else this.#body.pipe(this.#git.input)
  }

  /** Before the end of the pack git gives up, leaving nothing behind; after it, nothing changes. */
  #cutOff(cause: Error): void {
    if (this.#over) return
    this.#over = true
    this.#failure = cause
    this.#body.unpipe()
    this.#git.abandon()
  }
}
