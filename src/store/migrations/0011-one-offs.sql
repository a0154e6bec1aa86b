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
