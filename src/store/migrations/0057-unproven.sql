-- A proof that could not be tried, because of something else than the backup, is 'unproven'. SQLite
-- changes no check: the tables are made anew.
CREATE TABLE new_addon_proofs (
  id TEXT PRIMARY KEY,
  addon_id TEXT NOT NULL REFERENCES addons (id) ON DELETE CASCADE,
  state TEXT NOT NULL CHECK (state IN ('asked', 'running', 'succeeded', 'failed', 'unproven')),
  label TEXT,
  compared INTEGER CHECK (compared IN (0, 1)),
  reason TEXT,
  created_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
INSERT INTO new_addon_proofs SELECT id, addon_id, state, label, compared, reason, created_at, ended_at
  FROM addon_proofs ORDER BY rowid;
DROP TABLE addon_proofs;
ALTER TABLE new_addon_proofs RENAME TO addon_proofs;
CREATE INDEX addon_proofs_of_addon ON addon_proofs (addon_id, created_at);

CREATE TABLE new_volume_proofs (
  id TEXT PRIMARY KEY,
  volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
  state TEXT NOT NULL CHECK (state IN ('asked', 'running', 'succeeded', 'failed', 'unproven')),
  copy_id TEXT,
  reason TEXT,
  created_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
INSERT INTO new_volume_proofs SELECT id, volume_id, state, copy_id, reason, created_at, ended_at
  FROM volume_proofs ORDER BY rowid;
DROP TABLE volume_proofs;
ALTER TABLE new_volume_proofs RENAME TO volume_proofs;
CREATE INDEX volume_proofs_of_volume ON volume_proofs (volume_id, created_at);
