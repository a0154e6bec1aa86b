import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AcmeSettings } from '../acme-settings.ts'
import type { ManagedCertificate } from '../model/managed-certificate.ts'
import type { Store } from '../store/store.ts'
import { AuthorityError, type Challenge, type ChallengeType, type Issued, type CertificateOrder } from './acme/order.ts'
import { orderCertificate } from './acme/order-process.ts'
import { renewalName } from './acme/renewal-name.ts'
import { CertificateTrouble } from './trouble.ts'

type PlaceOrderDeps = { store: Pick<Store, 'managedCertificates'>; settings: AcmeSettings }

type Ordering = {
  managed: ManagedCertificate
  challenge: ChallengeType
  profile: string | undefined
  present: (challenges: Challenge[]) => Promise<void>
  signal: AbortSignal
}

/**
 * Orders with this server's account, which the authority may have forgotten.
 * @throws AuthorityError, CertificateTrouble, what `present` throws, the signal's reason
 */
export async function placeOrder(deps: PlaceOrderDeps, ordering: Ordering): Promise<Issued> {
  const { settings, store } = deps
  const { managed, challenge, profile, present, signal } = ordering
  const account = accountAt(deps)
  const asked = (url: string | undefined): CertificateOrder => ({
    directory: settings.directory,
    trust: trustOf(settings),
    account: { key: account.key, url, email: settings.email, binding: settings.binding },
    names: managed.names,
    challenge,
    profile,
    replaces: managed.issued === null ? undefined : renewalName(managed.issued.certificate),
  })
  const issued = await orderCertificate(asked(account.url ?? undefined), { present, signal }).catch(
    (cause: unknown) => {
      const isForgotten = cause instanceof AuthorityError && cause.problem.type === 'accountDoesNotExist'
      if (!isForgotten || account.url === null) throw cause
      return orderCertificate(asked(undefined), { present, signal })
    },
  )
  store.managedCertificates.saveAccount(settings.directory, { key: account.key, url: issued.accountUrl })
  return issued
}

/** On record before it is used: an account whose key is lost cannot be had again. */
function accountAt({ store, settings }: PlaceOrderDeps): { key: string; url: string | null } {
  const known = store.managedCertificates.account(settings.directory)
  if (known !== undefined) return known
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const account = { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), url: null }
  store.managedCertificates.saveAccount(settings.directory, account)
  return account
}

/** @throws CertificateTrouble when the operator's file cannot be read */
export function trustOf({ trustFile }: Pick<AcmeSettings, 'trustFile'>): string[] {
  if (trustFile === undefined) return []
  try {
    return [readFileSync(trustFile, 'utf8')]
  } catch (cause) {
    throw new CertificateTrouble(
      'authority',
      `The file of PAAS_ACME_CA_FILE cannot be read: ${(cause as Error).message}.`,
    )
  }
}
