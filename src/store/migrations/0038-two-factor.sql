ALTER TABLE accounts ADD COLUMN two_factor INTEGER NOT NULL DEFAULT 0;

CREATE TABLE two_factors (
  account_id TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
  secret BLOB NOT NULL,
  last_period INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE recovery_codes (
  account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  code_sha256 BLOB NOT NULL,
  PRIMARY KEY (account_id, code_sha256)
) STRICT;
