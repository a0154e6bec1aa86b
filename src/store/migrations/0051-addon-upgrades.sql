-- Add-ons that become others of another version. `fork_id`: what takes the place of one.
CREATE TABLE addon_upgrades (
  id TEXT PRIMARY KEY,
  addon_id TEXT NOT NULL REFERENCES addons (id) ON DELETE CASCADE,
  account_id TEXT REFERENCES accounts (id) ON DELETE SET NULL,
  version TEXT NOT NULL,
  is_rehearsal INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('asked', 'rehearsing', 'holding', 'succeeded', 'failed', 'cancelled')),
  reason TEXT,
  rehearsed REAL,
  fork_id TEXT,
  created_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX addon_upgrades_of_addon ON addon_upgrades (addon_id);

-- Whether its app may only read it, since another one takes its place; `ending`: it is to be
-- written again.
ALTER TABLE addons ADD COLUMN held TEXT NOT NULL DEFAULT 'no' CHECK (held IN ('no', 'yes', 'ending'));
