import { PaasError } from '../errors.ts'
import type { Database } from './database.ts'

/** Marks the file as ours (PRAGMA application_id): "paas" in ASCII. */
const applicationId = 0x70616173

/**
 * What makes the schema, in order; the number of steps done is PRAGMA user_version. Steps are only ever added.
 * Times are milliseconds since 1970.
 */
export const migrations: string[] = [
  `
  CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    commits INTEGER NOT NULL,
    key_check BLOB
  ) STRICT;
  INSERT INTO meta (id, commits) VALUES (1, 0);

  CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT,
    admin INTEGER NOT NULL,
    password TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    secret_sha256 BLOB NOT NULL UNIQUE,
    description TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER
  ) STRICT;
  CREATE INDEX tokens_of_account ON tokens (account_id);

  CREATE TABLE apps (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    owner_id TEXT NOT NULL REFERENCES accounts (id),
    stack TEXT NOT NULL,
    deploy_branch TEXT,
    maintenance INTEGER NOT NULL DEFAULT 0,
    current_release_id TEXT REFERENCES releases (id) DEFERRABLE INITIALLY DEFERRED,
    destroying INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX apps_by_name ON apps (name) WHERE destroying = 0;
  CREATE INDEX apps_of_owner ON apps (owner_id);

  CREATE TABLE config_vars (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (app_id, key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE slugs (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    build_id TEXT NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    commit_sha TEXT NOT NULL,
    image TEXT NOT NULL,
    stack TEXT NOT NULL,
    process_types TEXT NOT NULL,
    buildpack TEXT NOT NULL,
    size INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX slugs_of_app ON slugs (app_id);
  CREATE INDEX slugs_of_build ON slugs (build_id);

  CREATE TABLE releases (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    slug_id TEXT REFERENCES slugs (id),
    description TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    config BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed')),
    failure_reason TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (app_id, version)
  ) STRICT;
  CREATE INDEX releases_of_slug ON releases (slug_id);

  CREATE TABLE builds (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    commit_sha TEXT NOT NULL,
    ref TEXT,
    previous_commit TEXT,
    no_cache INTEGER NOT NULL,
    detached INTEGER NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'pending'
      CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'cancelled', 'superseded')),
    started_at INTEGER,
    finished_at INTEGER,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    failure_code TEXT,
    failure_reason TEXT,
    superseded_by TEXT,
    slug_id TEXT REFERENCES slugs (id) DEFERRABLE INITIALLY DEFERRED,
    release_id TEXT REFERENCES releases (id) DEFERRABLE INITIALLY DEFERRED,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX builds_of_app ON builds (app_id);
  CREATE INDEX builds_unfinished ON builds (app_id) WHERE state IN ('pending', 'running');
  CREATE INDEX builds_of_slug ON builds (slug_id);
  CREATE INDEX builds_of_release ON builds (release_id);

  CREATE TABLE formations (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity BETWEEN 0 AND 100),
    size TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (app_id, type)
  ) STRICT;
  `,
  `ALTER TABLE slugs ADD COLUMN app_json TEXT`,
  `
  CREATE TABLE collaborators (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('view', 'deploy', 'admin')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (app_id, account_id)
  ) STRICT;
  CREATE INDEX collaborators_of_account ON collaborators (account_id);
  `,
  'CREATE INDEX builds_by_state ON builds (state)',
  `
  CREATE TABLE drains (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    url BLOB NOT NULL,
    token TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX drains_of_app ON drains (app_id);
  `,
  `
  ALTER TABLE tokens ADD COLUMN session INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    public_key TEXT NOT NULL,
    comment TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (account_id, fingerprint)
  ) STRICT;
  `,
  `
  CREATE TABLE sources (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('empty', 'uploading', 'uploaded')),
    bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX sources_of_account ON sources (account_id);
  CREATE INDEX sources_by_expiry ON sources (expires_at);

  ALTER TABLE builds ADD COLUMN tarball INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE builds ADD COLUMN source_version TEXT;
  CREATE TABLE build_sources (
    build_id TEXT PRIMARY KEY REFERENCES builds (id) ON DELETE CASCADE,
    source BLOB NOT NULL
  ) STRICT;
  `,
  `
  ALTER TABLE apps ADD COLUMN features TEXT NOT NULL DEFAULT '[]';

  CREATE TABLE app_transfers (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    owner_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    recipient_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'declined')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX app_transfers_pending ON app_transfers (app_id) WHERE state = 'pending';
  CREATE INDEX app_transfers_of_app ON app_transfers (app_id);
  `,
  `
  CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    url BLOB NOT NULL,
    include TEXT NOT NULL,
    level TEXT NOT NULL CHECK (level IN ('notify', 'sync')),
    secret BLOB NOT NULL,
    authorization BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX webhooks_of_app ON webhooks (app_id);

  CREATE TABLE webhook_events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    include TEXT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    data TEXT NOT NULL,
    previous_data TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX webhook_events_of_app ON webhook_events (app_id);

  CREATE TABLE webhook_deliveries (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id TEXT NOT NULL REFERENCES webhook_events (id) ON DELETE CASCADE,
    status TEXT NOT NULL CHECK (status IN ('pending', 'retrying', 'succeeded', 'failed')),
    attempts INTEGER NOT NULL,
    next_attempt_at INTEGER,
    last_attempt TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id);
  CREATE INDEX webhook_deliveries_of_event ON webhook_deliveries (event_id);
  CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

  CREATE TABLE webhook_changes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('build', 'release')),
    id TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('create', 'update'))
  ) STRICT;
  CREATE INDEX webhook_changes_of_app ON webhook_changes (app_id);

  CREATE TRIGGER build_created AFTER INSERT ON builds
    WHEN EXISTS (SELECT 1 FROM webhooks WHERE app_id = NEW.app_id) BEGIN
    INSERT INTO webhook_changes (app_id, kind, id, action) VALUES (NEW.app_id, 'build', NEW.id, 'create');
  END;
  CREATE TRIGGER build_finished AFTER UPDATE OF state ON builds
    WHEN NEW.finished_at IS NOT OLD.finished_at AND EXISTS (SELECT 1 FROM webhooks WHERE app_id = NEW.app_id) BEGIN
    INSERT INTO webhook_changes (app_id, kind, id, action) VALUES (NEW.app_id, 'build', NEW.id, 'update');
  END;
  CREATE TRIGGER release_created AFTER INSERT ON releases
    WHEN EXISTS (SELECT 1 FROM webhooks WHERE app_id = NEW.app_id) BEGIN
    INSERT INTO webhook_changes (app_id, kind, id, action) VALUES (NEW.app_id, 'release', NEW.id, 'create');
  END;
  CREATE TRIGGER release_finished AFTER UPDATE OF state ON releases
    WHEN NEW.state <> OLD.state AND EXISTS (SELECT 1 FROM webhooks WHERE app_id = NEW.app_id) BEGIN
    INSERT INTO webhook_changes (app_id, kind, id, action) VALUES (NEW.app_id, 'release', NEW.id, 'update');
  END;
  `,
  `
  CREATE TABLE sni_endpoints (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    certificate TEXT NOT NULL,
    key BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (app_id, name)
  ) STRICT;

  CREATE TABLE domains (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    hostname TEXT NOT NULL UNIQUE,
    sni_endpoint_id TEXT REFERENCES sni_endpoints (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX domains_of_app ON domains (app_id);
  CREATE INDEX domains_of_sni_endpoint ON domains (sni_endpoint_id);
  `,
  `
  CREATE TABLE one_offs (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    release_id TEXT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    command BLOB NOT NULL,
    env BLOB NOT NULL,
    size TEXT NOT NULL,
    input TEXT NOT NULL CHECK (input IN ('terminal', 'pipes', 'none')),
    time_to_live INTEGER NOT NULL,
    token_sha256 BLOB UNIQUE,
    started_at INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (app_id, name)
  ) STRICT;
  `,
  `
  CREATE TABLE buildpacks (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (app_id, ordinal)
  ) STRICT, WITHOUT ROWID;
  `,
]

/**
 * Brings the schema up to date, in one transaction.
 * @throws data_directory_newer, data_directory_foreign
 */
export function migrate(db: Database, path: string): void {
  db.transaction(() => {
    const done = versionOf(db, path)
    for (const step of migrations.slice(done)) db.execute(step)
    if (done < migrations.length) {
      db.execute(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`)
    }
  })
}

/** The schema's version, 0 for a new file. @throws data_directory_newer, data_directory_foreign */
export function versionOf(db: Database, path: string): number {
  const version = db.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0
  const owner = db.get<{ application_id: number }>('PRAGMA application_id')?.application_id ?? 0
  const tables = db.get<{ n: number }>('SELECT count(*) AS n FROM sqlite_schema')?.n ?? 0
  if (owner !== applicationId && tables > 0) {
    throw new PaasError('data_directory_foreign', `${path} is a database of another program.`)
  }
  if (version > migrations.length) {
    throw new PaasError(
      'data_directory_newer',
      `${path} was written by a newer version of paas (schema ${version}; this one knows ${migrations.length}).`,
      { hint: 'Start that version, or use another data directory (PAAS_DATA).' },
    )
  }
  return version
}
