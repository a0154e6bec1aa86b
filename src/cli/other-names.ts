/**
 * What to type in place of a command that users of other servers, and of Heroku's command, look for
 * here. A topic (`pg`) stands for all its commands (`pg:psql`) that are not named themselves.
 */
export function insteadOf(name: string): string | undefined {
  const known = name.replace(/^(data|dyno):/, (_, topic) => (topic === 'dyno' ? 'ps:' : ''))
  for (let topic = known; topic !== ''; topic = topic.slice(0, Math.max(0, topic.lastIndexOf(':')))) {
    if (Object.hasOwn(instead, topic)) return instead[topic]
  }
  return undefined
}

const deploy = 'Deploy with: git push paas main. Build the pushed commit again: paas builds:create'
const state = 'See the dynos with: paas ps. Their log: paas logs --tail. The releases: paas releases'
const schedule =
  'There is no scheduler: use a process type that runs one (clock: in the Procfile), or a crontab with: paas run:detached -a NAME COMMAND'
const remove =
  'Remove an app with: paas destroy NAME. A config var: paas config:unset KEY. A domain: paas domains:remove NAME'
const services =
  'Databases and caches are add-ons: paas addons:services, addons:create postgresql, addons:info. A client: paas pg:psql, redis:cli'
const container = 'There is no image registry: commit the Dockerfile, and build it with: git push paas main'
const tokens = 'API tokens are: paas tokens, tokens:create, tokens:info, tokens:rotate, tokens:revoke'
const pipelines =
  'There are no pipelines: create an app for each stage, and release the slug of one in the other: paas releases:create SLUG -a NAME'
const local = 'Run the app on your own machine with the commands of its Procfile. On the server: paas run COMMAND'
const teams = 'There are no teams: give access to an app with: paas access:add EMAIL'
const features = 'Optional features are: paas features, features:enable, features:disable'
const open = 'See an app in the browser with: paas open'

const instead: Record<string, string> = {
  deploy,
  redeploy: deploy,
  push: deploy,
  publish: deploy,
  ship: deploy,
  up: deploy,
  release: deploy,
  build: deploy,
  rebuild: deploy,
  'releases:retry': 'Build and release the newest commit again: paas builds:create',
  'releases:rollback': 'Go back with: paas rollback v11',
  undo: 'Go back to an earlier release with: paas rollback',
  status: state,
  state,
  health: state,
  list: 'List your apps with: paas apps. The dynos of one: paas ps',
  ls: 'List your apps with: paas apps. The dynos of one: paas ps',
  top: state,
  cron: schedule,
  crontab: schedule,
  schedule,
  scheduler: schedule,
  clock: schedule,
  delete: remove,
  remove,
  rm: remove,
  init: 'Make an app with: paas create NAME',
  new: 'Make an app with: paas create NAME',
  'apps:create': 'Make an app with: paas create NAME',
  'apps:destroy': 'Remove an app with: paas destroy NAME',
  'apps:delete': 'Remove an app with: paas destroy NAME',
  'apps:info': 'Show an app with: paas info NAME',
  'apps:open': 'Open an app with: paas open -a NAME',
  'apps:rename': 'Rename an app with: paas rename NEWNAME -a NAME',
  'apps:leave': 'Leave an app with: paas access:remove YOUR-EMAIL -a NAME',
  'apps:join': 'An admin of the app adds you with: paas access:add EMAIL -a NAME',
  'apps:errors': 'See failed requests with: paas metrics. Their log lines: paas logs -d router',
  'apps:diff': 'Compare two apps with: paas config -a NAME, paas buildpacks -a NAME, paas ps:scale -a NAME',
  'apps:stacks': 'Commands about stacks are: paas stacks, stack, stack:set, stack:upgrade',
  apps: 'Commands about apps are: paas apps, create, info, open, rename, destroy, apps:transfer',
  app: 'Commands about apps are: paas apps, create, info, open, rename, destroy, apps:transfer',
  join: 'An admin of the app adds you with: paas access:add EMAIL -a NAME',
  leave: 'Leave an app with: paas access:remove YOUR-EMAIL -a NAME',
  lock: 'List who has access to an app with: paas access',
  unlock: 'List who has access to an app with: paas access',
  start: 'Start dynos with: paas ps:scale web=1. Restart them: paas ps:restart',
  stop: 'Stop dynos with: paas ps:scale web=0. One of them: paas ps:stop web.1',
  restart: 'Restart dynos with: paas ps:restart',
  scale: 'Scale with: paas ps:scale web=2',
  dynos: state,
  dyno: state,
  processes: state,
  'ps:kill': 'Stop a dyno with: paas ps:stop web.1',
  'ps:resize': 'Set the size of dynos with: paas ps:type web=standard-2x',
  'ps:autoscale': 'There is no autoscaling. Scale with: paas ps:scale web=2',
  'ps:copy': 'Copy a file out of a dyno with: paas ps:exec cat PATH > FILE',
  'ps:forward': 'Run a command in the dyno instead: paas ps:exec COMMAND',
  'ps:socks': 'Run a command in the dyno instead: paas ps:exec COMMAND',
  ps: 'Commands about dynos are: paas ps, ps:scale, ps:restart, ps:stop, ps:type, ps:exec, ps:wait',
  ssh: 'Get a shell in a running dyno with: paas ps:exec. In a new one-off dyno: paas run bash',
  exec: 'Run a command in a running dyno with: paas ps:exec COMMAND. In a new one-off dyno: paas run COMMAND',
  shell: 'Get a shell with: paas run bash. In a running dyno: paas ps:exec',
  bash: 'Get a shell with: paas run bash. In a running dyno: paas ps:exec',
  enter: 'Get a shell in a running dyno with: paas ps:exec',
  'run:inside': 'Run a command in a running dyno with: paas ps:exec -d web.1 COMMAND',
  console: 'Run it with: paas run rails console, or the console of your framework',
  rake: 'Run it with: paas run rake TASK',
  repl: 'Run it with: paas run node, or another interpreter',
  log: 'Show the log with: paas logs --tail',
  tail: 'Show the log with: paas logs --tail',
  env: 'Config vars are: paas config, config:get, config:set, config:edit, config:unset',
  vars: 'Config vars are: paas config, config:get, config:set, config:edit, config:unset',
  secrets: 'Config vars are: paas config, config:get, config:set, config:edit, config:unset',
  set: 'Set config vars with: paas config:set KEY=VALUE',
  unset: 'Remove config vars with: paas config:unset KEY',
  'config:add': 'Set config vars with: paas config:set KEY=VALUE',
  'config:remove': 'Remove config vars with: paas config:unset KEY',
  auth: 'Log in with: paas login. Who is logged in: paas whoami. Tokens: paas tokens',
  '2fa': 'There is no two-factor authentication. A token can expire: paas tokens:create --expires-in 12h',
  twofactor: 'There is no two-factor authentication. A token can expire: paas tokens:create --expires-in 12h',
  authorizations: tokens,
  sessions: tokens,
  clients: `There are no OAuth clients. ${tokens}`,
  token: tokens,
  accounts: 'Log in to another server with: paas login URL. A second account: set PAAS_URL and PAAS_TOKEN',
  users: 'List who has access to an app with: paas access',
  'keys:clear': 'Remove a key with: paas keys:remove KEY',
  members: teams,
  teams,
  orgs: teams,
  collaborators: 'List who has access to an app with: paas access',
  sharing: 'List who has access to an app with: paas access',
  spaces: 'There are no private spaces: each app has a network of its own.',
  drains: 'Log drains are: paas drains, drains:add, drains:remove',
  addons: services,
  pg: services,
  psql: services,
  postgres: services,
  mysql: services,
  db: services,
  redis: services,
  kafka: services,
  maintenances: 'Show visitors a maintenance page with: paas maintenance:on',
  container,
  docker: container,
  pipelines,
  promote: pipelines,
  reviewapps: 'There are no review apps: create an app from a branch with: paas setup . NAME',
  ci: 'There is no CI here. Deploy from yours with a token: paas tokens:create',
  local,
  labs: features,
  'features:info': features,
  'buildpacks:info': 'Show the buildpacks of an app with: paas buildpacks',
  'buildpacks:search': 'A buildpack is one of this server (heroku/nodejs) or an https URL: paas help buildpacks:set',
  'buildpacks:versions': 'Append the version of a buildpack to its URL, after #: paas help buildpacks:set',
  'certs:auto':
    'There is no ACME: the authority of the server signs certificates for apps. Add one of your own: paas certs:add',
  'certs:generate': 'Create a certificate with openssl, and add it with: paas certs:add CERTIFICATE KEY',
  ssl: 'Certificates are: paas certs, certs:add, certs:info, certs:update, certs:remove',
  domain: 'Domains are: paas domains, domains:add, domains:remove',
  'webhooks:info': 'Show the webhooks with: paas webhooks',
  'webhooks:events': 'List the deliveries of webhooks with: paas webhooks:deliveries',
  'webhooks:deliveries:info': 'List the deliveries of webhooks with: paas webhooks:deliveries --json',
  notifications: 'Add a webhook with: paas webhooks:add',
  telemetry: 'See the metrics of an app with: paas metrics. Send its log elsewhere: paas drains:add URL',
  usage: 'See the metrics of an app with: paas metrics',
  autocomplete: 'Set up shell completion with: paas completion bash (or zsh, fish)',
  dashboard: open,
  browse: open,
  version: 'Print the version with: paas --version',
  mcp: 'There is no MCP server. Every command prints JSON with --json.',
  update: 'Update the server, or install the package that its operator makes with: npm run pack',
}
