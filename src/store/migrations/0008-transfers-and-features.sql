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
