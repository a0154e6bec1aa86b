const ofApp = '/apps/[^/]+'

const noData =
  'Followers, pools, further credentials and settings of databases are not on this server. ' +
  'Back one up with: heroku pg:backups:capture -a APP'

/** What Heroku has and this server does not, by the paths that its clients ask for it. */
const absent = [
  {
    // Of the services behind `heroku pg:*`, `redis:*` and `kafka:*`.
    at: '/(client|postgres|redis|kafka|data)(/[a-z]+)*/v\\d+',
    say: noData,
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
