const ofApp = '/apps/[^/]+'

const noAddOns =
  'There are no add-ons on this server. Set the URL of an external database as a config var: ' +
  'heroku config:set DATABASE_URL=... A database on the machine of the server is at host.docker.internal if the operator opens ' +
  'its port with PAAS_ALLOW_HOST=5432; one on a private network needs PAAS_ALLOW_NETWORKS.'

/** What Heroku has and this server does not, by the paths that its clients ask for it. */
const absent = [
  {
    // The last ones are of the services behind `heroku pg:*`, `redis:*` and `kafka:*`.
    at: `(${ofApp})?/(addons|addon-attachments)|/addon-services|/actions/addon(s|-attachments)|/(client|postgres|redis|kafka|data)(/[a-z]+)*/v\\d+`,
    say: noAddOns,
  },
  {
    at: '/teams|/organizations|/enterprise-accounts',
    say: 'There are no teams on this server. Share an app with: heroku access:add EMAIL -a APP',
  },
  { at: '/spaces', say: 'There are no private spaces on this server.' },
  {
    at: `/pipelines?(-[a-z]+)*|${ofApp}/pipeline-couplings|/review-apps|/test-runs`,
    say: 'There are no pipelines on this server.',
  },
  {
    at: '/oauth/clients',
    say: 'There are no OAuth clients on this server. Create a token with: heroku authorizations:create',
  },
  {
    at: '/account/features',
    say: 'Accounts have no features on this server. List those of an app with: heroku features -a APP',
  },
  {
    at: `/telemetry-drains|${ofApp}/telemetry-drains`,
    say: 'There are no telemetry drains on this server. Send the log elsewhere with: heroku drains:add URL -a APP',
  },
].map(({ at, say }) => ({ at: new RegExp(`^(${at})(/|$)`), say }))

/**
 * The message for a request for a Heroku feature that is missing here; undefined for any other
 * path.
 */
export function sayAbsent(path: string): string | undefined {
  return absent.find(({ at }) => at.test(path))?.say
}
