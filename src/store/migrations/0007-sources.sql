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
