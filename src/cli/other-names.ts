/**
 * What to type in place of a command that users of other servers, and of Heroku's command, look for here. A topic (`pg`) stands for all
 * its commands (`pg:psql`) that are not named themselves.
 */
export function insteadOf(name: string): string | undefined {
  const known = name.replace(/^(data|dyno):/, (_, topic) => (topic === 'dyno' ? 'ps:' : ''))
  for (let topic = known; topic !== ''; topic = topic.slice(0, Math.max(0, topic.lastIndexOf(':')))) {
    if (Object.hasOwn(instead, topic)) return instead[topic]
  }
  return undefined
}

const deploy = 'Deploy with: git push paas main. Build once more what was pushed: paas builds:create'
const state = 'See the dynos with: paas ps. What they print: paas logs --tail. What serves: paas releases'
const schedule =
  'Nothing here runs at set times: have a process type that does (clock: in the Procfile), or run from a crontab: paas run:detached -a NAME COMMAND'
const remove =
  'Remove an app with: paas destroy NAME. A config var: paas config:unset KEY. A domain: paas domains:remove NAME'
const services =
  'This server runs no databases or other add-ons: run one elsewhere, or beside it (PAAS_ALLOW_HOST), and tell the app where: paas config:set DATABASE_URL=URL'
const container =
  'There is no registry to push images to: commit the Dockerfile, and it is built by: git push paas main'
const tokens = 'API tokens are: paas tokens, tokens:create, tokens:info, tokens:rotate, tokens:revoke'
const pipelines =
  'There are no pipelines: have an app for each stage, and release in one what another has built: paas releases:create SLUG -a NAME'
const local = 'Run the app on your own machine as its Procfile says. Here: paas run COMMAND'
const teams = 'There are no teams: say who may use an app with: paas access:add EMAIL'
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
  'releases:retry': 'Build and release the newest commit once more: paas builds:create',
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
  'apps:join': 'Somebody who is its admin lets you in: paas access:add EMAIL -a NAME',
  'apps:errors': 'See the requests that failed with: paas metrics. The lines about them: paas logs -d router',
  'apps:diff': 'Compare two apps with: paas config -a NAME, paas buildpacks -a NAME, paas ps:scale -a NAME',
  'apps:stacks': 'There is one stack, which paas info names.',
  apps: 'Commands about apps are: paas apps, create, info, open, rename, destroy, apps:transfer',
  app: 'Commands about apps are: paas apps, create, info, open, rename, destroy, apps:transfer',
  join: 'Somebody who is its admin lets you in: paas access:add EMAIL -a NAME',
  leave: 'Leave an app with: paas access:remove YOUR-EMAIL -a NAME',
  lock: 'Who may use an app says: paas access',
  unlock: 'Who may use an app says: paas access',
  start: 'Start dynos with: paas ps:scale web=1. Restart them: paas ps:restart',
  stop: 'Stop dynos with: paas ps:scale web=0. One of them: paas ps:stop web.1',
  restart: 'Restart dynos with: paas ps:restart',
  scale: 'Scale with: paas ps:scale web=2',
  dynos: state,
  dyno: state,
  processes: state,
  'ps:kill': 'Stop a dyno with: paas ps:stop web.1',
  'ps:resize': 'Set the size of dynos with: paas ps:type web=standard-2x',
  'ps:autoscale': 'Nothing here scales by itself. Scale with: paas ps:scale web=2',
  'ps:copy': 'Copy a file out of a dyno with: paas ps:exec cat PATH > FILE',
  'ps:forward': 'Run a command beside the process instead: paas ps:exec COMMAND',
  'ps:socks': 'Run a command beside the process instead: paas ps:exec COMMAND',
  ps: 'Commands about dynos are: paas ps, ps:scale, ps:restart, ps:stop, ps:type, ps:exec, ps:wait',
  ssh: 'Get a shell in a running dyno with: paas ps:exec. In one of its own: paas run bash',
  exec: 'Run a command in a running dyno with: paas ps:exec COMMAND. In one of its own: paas run COMMAND',
  shell: 'Get a shell with: paas run bash. In a running dyno: paas ps:exec',
  bash: 'Get a shell with: paas run bash. In a running dyno: paas ps:exec',
  enter: 'Get a shell in a running dyno with: paas ps:exec',
  'run:inside': 'Run a command in a running dyno with: paas ps:exec -d web.1 COMMAND',
  console: 'Run it with: paas run rails console, or whatever console the app has',
  rake: 'Run it with: paas run rake TASK',
  repl: 'Run it with: paas run node, or whatever the app has',
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
  '2fa': 'There is no second factor here. A token can be short-lived: paas tokens:create --expires-in 12h',
  twofactor: 'There is no second factor here. A token can be short-lived: paas tokens:create --expires-in 12h',
  authorizations: tokens,
  sessions: tokens,
  clients: `There are no OAuth clients. ${tokens}`,
  token: tokens,
  accounts: 'Log in to another server with: paas login URL. A second account: set PAAS_URL and PAAS_TOKEN',
  users: 'Who may use an app says: paas access',
  'keys:clear': 'Remove a key with: paas keys:remove KEY',
  members: teams,
  teams,
  orgs: teams,
  collaborators: 'Who may use an app says: paas access',
  sharing: 'Who may use an app says: paas access',
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
  maintenances: 'Show visitors a page that says so with: paas maintenance:on',
  container,
  docker: container,
  pipelines,
  promote: pipelines,
  reviewapps: 'There are no review apps: make an app of a branch with: paas setup . NAME',
  ci: 'There is no CI here. Deploy from yours with a token: paas tokens:create',
  local,
  labs: features,
  'features:info': features,
  'buildpacks:info': 'Show the buildpacks of an app with: paas buildpacks',
  'buildpacks:search':
    'A buildpack is named by this server (heroku/nodejs) or by its https address: paas help buildpacks:set',
  'buildpacks:versions': 'A version of a buildpack is named behind #: paas help buildpacks:set',
  'certs:auto': 'The server makes certificates for the names of apps itself. One of your own: paas certs:add',
  'certs:generate': 'Make a certificate with openssl, and show it with: paas certs:add CERTIFICATE KEY',
  ssl: 'Certificates are: paas certs, certs:add, certs:info, certs:update, certs:remove',
  domain: 'Domains are: paas domains, domains:add, domains:remove',
  'webhooks:info': 'Show the webhooks with: paas webhooks',
  'webhooks:events': 'See what webhooks were told with: paas webhooks:deliveries',
  'webhooks:deliveries:info': 'See what webhooks were told with: paas webhooks:deliveries --json',
  notifications: 'Have a server told of changes with: paas webhooks:add',
  telemetry: 'See the figures of an app with: paas metrics. Send its log elsewhere: paas drains:add URL',
  usage: 'See the figures of an app with: paas metrics',
  autocomplete: 'Have the shell complete commands with: paas completion bash (or zsh, fish)',
  dashboard: open,
  browse: open,
  version: 'Print the version with: paas --version',
  mcp: 'There is no MCP server. Every command prints JSON with --json.',
  update: 'Update the server, or install the package again that its operator makes: npm run pack',
}
