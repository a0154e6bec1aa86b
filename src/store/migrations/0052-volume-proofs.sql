-- Backups of volumes that are restored to see whether they can be. `copy_id`: the backup.
CREATE TABLE volume_proofs (
  id TEXT PRIMARY KEY,
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  state TEXT NOT NULL CHECK (state IN ('asked', 'running', 'succeeded', 'failed')),
  copy_id TEXT,
  reason TEXT,
  created_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX volume_proofs_of_volume ON volume_proofs (volume_id, created_at);
-- When its app was last told that backups are missing.
ALTER TABLE volumes ADD COLUMN warned_at INTEGER;
