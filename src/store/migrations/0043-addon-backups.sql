-- What a fork is made from: the add-on, and which moment of it (JSON).
ALTER TABLE addons ADD COLUMN origin TEXT;

-- Backups of add-ons. `label`: what the service calls it; `mark`: the moment at which `facts` were
-- noted, to compare a restored copy with.
CREATE TABLE addon_backups (
  id TEXT PRIMARY KEY,
  addon_id TEXT NOT NULL REFERENCES addons (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('full', 'diff')),
  state TEXT NOT NULL CHECK (state IN ('running', 'succeeded', 'failed')),
  label TEXT,
  bytes INTEGER,
  mark TEXT,
  facts TEXT,
  reason TEXT,
  started_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX addon_backups_of_addon ON addon_backups (addon_id, started_at);

-- Backups that were restored to see whether they can be.
CREATE TABLE addon_proofs (
  id TEXT PRIMARY KEY,
  addon_id TEXT NOT NULL REFERENCES addons (id) ON DELETE CASCADE,
  state TEXT NOT NULL CHECK (state IN ('asked', 'running', 'succeeded', 'failed')),
  label TEXT,
  reason TEXT,
  created_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX addon_proofs_of_addon ON addon_proofs (addon_id, created_at);

-- Of each add-on's archive: the window in which any moment can be restored, and what is wrong.
-- `stored_until`: as far as the backup target has it, and could be read back from there.
CREATE TABLE addon_archives (
  addon_id TEXT PRIMARY KEY REFERENCES addons (id) ON DELETE CASCADE,
  since INTEGER,
  until INTEGER,
  hole INTEGER,
  bytes INTEGER NOT NULL DEFAULT 0,
  problem TEXT,
  warned_at INTEGER,
  stored_until INTEGER,
  stored_problem TEXT
) STRICT;

-- Archives that are wanted from the backup target, in the volume of another add-on or of a proof:
-- `id` is whose that is. `at`: of a time before that, if there are several.
CREATE TABLE archive_fetches (
  id TEXT PRIMARY KEY,
  addon_id TEXT NOT NULL REFERENCES addons (id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('asked', 'done', 'failed')),
  reason TEXT
) STRICT;
