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
