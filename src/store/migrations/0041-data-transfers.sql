-- Backups of add-ons, what was restored into them and copied between them. `source` is encrypted:
-- the URL that a restore reads. `place` and `sha256` are those of a backup that is there. `log` is
-- JSON.
CREATE TABLE data_transfers (
  id TEXT PRIMARY KEY,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('backup', 'restore', 'copy')),
  scheduled INTEGER NOT NULL DEFAULT 0,
  service TEXT NOT NULL,
  from_addon_id TEXT,
  from_name TEXT NOT NULL,
  to_addon_id TEXT,
  to_name TEXT NOT NULL,
  backup_id TEXT,
  source BLOB,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
  cancelling INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  place TEXT,
  sha256 TEXT,
  bytes INTEGER NOT NULL DEFAULT 0,
  warnings INTEGER NOT NULL DEFAULT 0,
  log TEXT NOT NULL DEFAULT '[]',
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  updated_at INTEGER NOT NULL,
  UNIQUE (app_id, number)
) STRICT;

-- Numbers are never given again, so that b001 is one backup for good.
CREATE TABLE data_transfer_numbers (
  app_id TEXT PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
  last INTEGER NOT NULL
) STRICT;

-- Of add-ons that are backed up every day.
CREATE TABLE backup_schedules (
  addon_id TEXT PRIMARY KEY REFERENCES addons (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  hour INTEGER NOT NULL,
  timezone TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_at INTEGER
) STRICT;

-- Those that were there before are backed up too, at two in the morning.
INSERT INTO backup_schedules (addon_id, name, hour, timezone, created_at)
SELECT addons.id, coalesce(min(addon_attachments.name), addons.name) || '_URL', 2, 'UTC', unixepoch() * 1000
FROM addons LEFT JOIN addon_attachments ON addon_attachments.addon_id = addons.id
GROUP BY addons.id;
