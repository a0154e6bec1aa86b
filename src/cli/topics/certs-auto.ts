import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { heading, note, print, progress } from '../output.ts'
import type { ManagedCertificatesJson } from '../resources/edge.ts'
import { connectToApp } from '../session.ts'
import { formatManaged } from '../managed-certificates.ts'

type WaitOptions = AppOptions & { wait?: boolean }
type Site = Awaited<ReturnType<typeof connectToApp>>

/** Milliseconds between two looks, and how long `--wait` lasts. */
const patience = { between: 2_000, total: 600_000 }

export function defineCertsAuto(program: Command): void {
  defineForApp(program, {
    name: 'certs:auto',
    summary: 'show the certificates that come by themselves',
    details:
      'For each domain: until when there is one and when it is renewed, or why there is none and when it is tried next.',
    examples: ['paas certs:auto -a acme', 'paas certs:auto --wait'],
  })
    .option('--wait', 'wait until every domain has a certificate')
    .action(show)

  defineForApp(program, {
    name: 'certs:auto:enable',
    summary: 'let the domains of an app get certificates by themselves',
    examples: ['paas certs:auto:enable -a acme'],
  })
    .option('--wait', 'wait until every domain has a certificate')
    .action(enable)

  defineForApp(program, {
    name: 'certs:auto:disable',
    summary: 'let the domains of an app get no certificates by themselves',
    details: 'Those that there are go at once. The name that the app has on the server keeps its own.',
    examples: ['paas certs:auto:disable -a acme'],
  }).action(disable)

  defineForApp(program, {
    name: 'certs:auto:refresh',
    summary: 'try again now to get the certificates that are missing',
    details: 'For when you have corrected the DNS. What the authority asked to wait for is still waited for.',
    examples: ['paas certs:auto:refresh -a acme'],
  }).action(refresh)
}

async function show(options: WaitOptions): Promise<void> {
  const site = await connectToApp(options)
  const shown = options.wait === true ? await untilIssued(site) : await look(site)
  print(options, shown, () => [
    heading(`Automatic certificates of ${site.app}: ${shown.enabled ? 'on' : 'off'}`),
    ...(shown.available ? [] : ['This server requests none: its operator has to set PAAS_ACME_EMAIL.']),
    ...(shown.available && shown.certificates.length === 0 ? ['No domain yet: paas domains:add www.example.com'] : []),
    ...formatManaged(shown.certificates),
  ])
}

async function enable(options: WaitOptions): Promise<void> {
  const site = await connectToApp(options)
  await progress(`Turning automatic certificates of ${site.app} on`, site.api.post(`${site.path}/acm`, {}))
  note(`See how they are: paas certs:auto -a ${site.app}`)
  print(options, options.wait === true ? await untilIssued(site) : await look(site), () => '')
}

async function disable(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  await progress(`Turning automatic certificates of ${app} off`, api.delete(`${path}/acm`))
  note(`Undo with: paas certs:auto:enable -a ${app}`)
}

async function refresh(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  await progress(`Trying again for ${app}`, api.patch(`${path}/acm`, { acm_refresh: true }))
  note(`See how they are: paas certs:auto -a ${app}`)
}

function look({ api, path }: Site): Promise<ManagedCertificatesJson> {
  return api.get<ManagedCertificatesJson>(`${path}/acm`)
}

/** @throws certificate_refused when one fails again and again */
async function untilIssued(site: Site): Promise<ManagedCertificatesJson> {
  const deadline = performance.now() + patience.total
  for (;;) {
    const shown = await look(site)
    const open = shown.certificates.filter(({ status }) => status !== 'cert issued')
    if (open.length === 0) return shown
    const failed =
      open.find(({ status }) => status === 'failed') ?? (performance.now() > deadline ? open[0] : undefined)
    if (failed) {
      const why = failed.reason ?? 'It took too long.'
      throw new PaasError('certificate_refused', `${failed.hostnames.join(', ')} has no certificate. ${why}`)
    }
    await delay(patience.between)
  }
}
