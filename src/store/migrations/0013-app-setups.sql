CREATE TABLE app_setups (
  id TEXT PRIMARY KEY,
  app_id TEXT NOT NULL UNIQUE REFERENCES apps (id) ON DELETE CASCADE,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  build_id TEXT NOT NULL UNIQUE REFERENCES builds (id) ON DELETE CASCADE,
  is_over INTEGER NOT NULL,
  state BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX app_setups_open ON app_setups (account_id) WHERE is_over = 0;
