-- `data`: what the engine knows a volume's data by; NULL: by the id. `switched_by`: the release
-- with which it got the data of `switched_with`: if that fails, both have theirs again.
ALTER TABLE volumes ADD COLUMN data TEXT;
ALTER TABLE volumes ADD COLUMN switched_by TEXT;
ALTER TABLE volumes ADD COLUMN switched_with TEXT;

-- Copies of volumes. `volume`: its name then. `source`: of a restore, the backup. `into_name`,
-- `into_data`: the new volume, and what the engine knows it by; `switches`: it takes the place of
-- the one that was copied. `snapshot`: of a backup, at the target. `still`: nothing wrote
-- meanwhile.
CREATE TABLE volume_copies (
  id TEXT PRIMARY KEY,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  volume_id TEXT NOT NULL,
  volume TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('backup', 'restore', 'fork', 'upload')),
  cause TEXT NOT NULL CHECK (cause IN ('asked', 'daily')),
  source TEXT,
  into_name TEXT,
  into_data TEXT,
  switches INTEGER NOT NULL DEFAULT 0 CHECK (switches IN (0, 1)),
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'running', 'succeeded', 'failed')),
  reason TEXT,
  snapshot TEXT,
  still INTEGER NOT NULL DEFAULT 0 CHECK (still IN (0, 1)),
  checksum TEXT,
  files INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  proven_at INTEGER,
  created_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX volume_copies_of_app ON volume_copies (app_id, created_at);
