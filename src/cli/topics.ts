import type { CreateProgram } from './completion/words.ts'
import { existsSync } from 'node:fs'
import type { Command } from 'commander'

type Topic = { commands: string[]; load(): Promise<(program: Command, createProgram: CreateProgram) => void> }

/** Only in a checkout: the package for developers' machines (bin/pack.ts) has the command alone. */
const server: Topic = {
  commands: ['server', 'server:backup', 'server:backups', 'server:restore'],
  load: async () => (await import('./topics/server.ts')).defineServer,
}

/**
 * Which file defines which commands: only the one that is needed is loaded. In the order of the
 * help.
 */
const topics: Topic[] = [
  {
    commands: ['login', 'logout', 'whoami'],
    load: async () => (await import('./topics/login.ts')).defineLogin,
  },
  { commands: ['dashboard'], load: async () => (await import('./topics/dashboard.ts')).defineDashboard },
  {
    commands: ['password'],
    load: async () => (await import('./topics/password.ts')).definePassword,
  },
  {
    commands: ['2fa', '2fa:enable', '2fa:disable', '2fa:recovery-codes', '2fa:reset'],
    load: async () => (await import('./topics/two-factor.ts')).defineTwoFactor,
  },
  {
    commands: ['apps', 'create', 'info', 'open', 'rename', 'destroy'],
    load: async () => (await import('./topics/apps.ts')).defineApps,
  },
  { commands: ['setup'], load: async () => (await import('./topics/setup.ts')).defineSetup },
  {
    commands: ['git:remote', 'git:clone', 'git:credentials'],
    load: async () => (await import('./topics/git.ts')).defineGit,
  },
  {
    commands: ['config', 'config:get', 'config:set', 'config:unset', 'config:edit'],
    load: async () => (await import('./topics/config.ts')).defineConfig,
  },
  {
    commands: ['ps', 'ps:scale', 'ps:restart', 'ps:stop', 'ps:type', 'ps:wait'],
    load: async () => (await import('./topics/ps.ts')).definePs,
  },
  {
    commands: ['volumes', 'volumes:info', 'volumes:create', 'volumes:destroy'],
    load: async () => (await import('./topics/volumes.ts')).defineVolumes,
  },
  {
    commands: [
      'volumes:backup',
      'volumes:backups',
      'volumes:restore',
      'volumes:fork',
      'volumes:switch',
      'volumes:download',
      'volumes:upload',
    ],
    load: async () => (await import('./topics/volume-copies.ts')).defineVolumeCopies,
  },
  { commands: ['volumes:prove'], load: async () => (await import('./topics/volume-proofs.ts')).defineVolumeProofs },
  { commands: ['disk'], load: async () => (await import('./topics/disk.ts')).defineDisk },
  { commands: ['metrics'], load: async () => (await import('./topics/metrics.ts')).defineMetrics },
  {
    commands: ['run', 'run:detached', 'ps:exec'],
    load: async () => (await import('./topics/run.ts')).defineRun,
  },
  { commands: ['logs'], load: async () => (await import('./topics/logs.ts')).defineLogs },
  {
    commands: ['drains', 'drains:add', 'drains:remove'],
    load: async () => (await import('./topics/drains.ts')).defineDrains,
  },
  {
    commands: ['webhooks', 'webhooks:add', 'webhooks:update', 'webhooks:remove', 'webhooks:deliveries'],
    load: async () => (await import('./topics/webhooks.ts')).defineWebhooks,
  },
  {
    commands: ['releases', 'releases:info', 'releases:output', 'releases:create', 'rollback'],
    load: async () => (await import('./topics/releases.ts')).defineReleases,
  },
  {
    commands: ['slugs:info', 'slugs:download', 'slugs:create'],
    load: async () => (await import('./topics/slugs.ts')).defineSlugs,
  },
  {
    commands: ['builds', 'builds:create', 'builds:info', 'builds:output', 'builds:cancel', 'builds:cache:purge'],
    load: async () => (await import('./topics/builds.ts')).defineBuilds,
  },
  {
    commands: [
      'domains',
      'domains:add',
      'domains:info',
      'domains:update',
      'domains:wait',
      'domains:remove',
      'domains:clear',
    ],
    load: async () => (await import('./topics/domains.ts')).defineDomains,
  },
  {
    commands: ['certs', 'certs:add', 'certs:info', 'certs:update', 'certs:remove'],
    load: async () => (await import('./topics/certs.ts')).defineCerts,
  },
  {
    commands: ['https', 'https:redirect', 'https:hsts'],
    load: async () => (await import('./topics/https.ts')).defineHttps,
  },
  {
    commands: ['certs:auto', 'certs:auto:enable', 'certs:auto:disable', 'certs:auto:refresh'],
    load: async () => (await import('./topics/certs-auto.ts')).defineCertsAuto,
  },
  {
    commands: ['buildpacks', 'buildpacks:set', 'buildpacks:add', 'buildpacks:remove', 'buildpacks:clear'],
    load: async () => (await import('./topics/buildpacks.ts')).defineBuildpacks,
  },
  {
    commands: [
      'addons',
      'addons:services',
      'addons:plans',
      'addons:create',
      'addons:info',
      'addons:wait',
      'addons:attach',
      'addons:detach',
      'addons:rename',
      'addons:upgrade',
      'addons:downgrade',
      'addons:open',
      'pg:info',
      'pg:wait',
      'redis:info',
      'redis:wait',
      'addons:destroy',
    ],
    load: async () => (await import('./topics/addons.ts')).defineAddons,
  },
  {
    commands: [
      'pg:psql',
      'redis:cli',
      'mysql:cli',
      'addons:client',
      'pg:reset',
      'pg:rotate',
      'redis:reset',
      'redis:rotate',
      'mysql:reset',
      'mysql:rotate',
      'addons:reset',
      'addons:rotate',
      'pg:promote',
      'mysql:promote',
    ],
    load: async () => (await import('./topics/databases.ts')).defineDatabases,
  },
  {
    commands: ['edge', 'edge:set', 'edge:auth', 'protocol'],
    load: async () => (await import('./topics/edge.ts')).defineEdge,
  },
  { commands: ['pages', 'pages:refresh'], load: async () => (await import('./topics/pages.ts')).definePages },
  {
    commands: [
      'pg:backups',
      'pg:backups:capture',
      'pg:backups:info',
      'pg:backups:download',
      'pg:backups:url',
      'pg:backups:restore',
      'pg:backups:cancel',
      'pg:backups:delete',
    ],
    load: async () => (await import('./topics/backups.ts')).defineBackups,
  },
  {
    commands: ['pg:copy', 'pg:pull', 'pg:push', 'pg:kill', 'pg:killall'],
    load: async () => (await import('./topics/postgres.ts')).definePostgres,
  },
  {
    commands: ['pg:upgrade', 'pg:upgrade:dryrun', 'pg:upgrade:wait', 'pg:upgrade:cancel'],
    load: async () => (await import('./topics/postgres-upgrade.ts')).definePostgresUpgrade,
  },
  {
    commands: ['redis:maxmemory', 'redis:timeout', 'pg:credentials', 'redis:credentials'],
    load: async () => (await import('./topics/redis.ts')).defineRedis,
  },
  {
    commands: ['pg:backups:schedules', 'pg:backups:schedule', 'pg:backups:unschedule'],
    load: async () => (await import('./topics/backup-schedules.ts')).defineBackupSchedules,
  },
  {
    commands: ['backups', 'backups:prove', 'pg:restore', 'mysql:restore'],
    load: async () => (await import('./topics/archives.ts')).defineArchives,
  },
  {
    commands: ['data:expose', 'data:unexpose'],
    load: async () => (await import('./topics/data-doors.ts')).defineDataDoors,
  },
  {
    commands: ['maintenance', 'maintenance:on', 'maintenance:off'],
    load: async () => (await import('./topics/maintenance.ts')).defineMaintenance,
  },
  {
    commands: ['access', 'access:add', 'access:update', 'access:remove'],
    load: async () => (await import('./topics/access.ts')).defineAccess,
  },
  { commands: ['audit', 'audit:verify'], load: async () => (await import('./topics/audit.ts')).defineAudit },
  {
    commands: ['apps:transfer', 'transfers', 'transfers:accept', 'transfers:decline', 'transfers:cancel'],
    load: async () => (await import('./topics/transfers.ts')).defineTransfers,
  },
  {
    commands: ['features', 'features:enable', 'features:disable'],
    load: async () => (await import('./topics/features.ts')).defineFeatures,
  },
  {
    commands: ['accounts', 'accounts:create', 'accounts:disable', 'accounts:enable', 'accounts:remove'],
    load: async () => (await import('./topics/accounts.ts')).defineAccounts,
  },
  {
    commands: ['accounts:limits'],
    load: async () => (await import('./topics/account-limits.ts')).defineAccountLimits,
  },
  {
    commands: ['tokens', 'tokens:info', 'tokens:create', 'tokens:rotate', 'tokens:revoke'],
    load: async () => (await import('./topics/tokens.ts')).defineTokens,
  },
  {
    commands: ['keys', 'keys:add', 'keys:remove'],
    load: async () => (await import('./topics/keys.ts')).defineKeys,
  },
  {
    commands: ['stacks', 'stack', 'stack:set', 'stack:upgrade'],
    load: async () => (await import('./topics/stacks.ts')).defineStacks,
  },
  { commands: ['doctor'], load: async () => (await import('./topics/doctor.ts')).defineDoctor },
  { commands: ['regions'], load: async () => (await import('./topics/regions.ts')).defineRegions },
  {
    commands: ['completion', 'completion:words'],
    load: async () => (await import('./topics/completion.ts')).defineCompletion,
  },
  { commands: ['heroku:env'], load: async () => (await import('./topics/heroku.ts')).defineHeroku },
  ...(existsSync(new URL('../main/server.ts', import.meta.url)) ? [server] : []),
]

/** Defines the commands of the topic that has this one. False: no topic has it. */
export async function loadTopicOf(
  command: string | undefined,
  program: Command,
  createProgram: CreateProgram,
): Promise<boolean> {
  const topic = topics.find(({ commands }) => command !== undefined && commands.includes(command))
  const define = await topic?.load()
  define?.(program, createProgram)
  return define !== undefined
}

export async function loadAllTopics(program: Command, createProgram: CreateProgram): Promise<void> {
  const definitions = await Promise.all(topics.map((topic) => topic.load()))
  for (const define of definitions) define(program, createProgram)
}
