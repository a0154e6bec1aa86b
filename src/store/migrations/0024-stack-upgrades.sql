-- The states of Debian's index up to which the images of a stack were brought; the newest counts.
CREATE TABLE stack_patches (
  stack TEXT NOT NULL,
  snapshot TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (stack, snapshot)
) STRICT;

-- Without an account: begun at the hour that the operator chose.
CREATE TABLE stack_upgrades (
  id TEXT PRIMARY KEY,
  account_id TEXT REFERENCES accounts (id) ON DELETE SET NULL,
  state TEXT NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'finished', 'failed')),
  text TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX stack_upgrades_running ON stack_upgrades (created_at) WHERE state = 'running';

CREATE TABLE stack_moves (
  upgrade_id TEXT NOT NULL REFERENCES stack_upgrades (id) ON DELETE CASCADE,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  release_id TEXT REFERENCES releases (id) ON DELETE SET NULL,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'moved', 'current', 'unmovable', 'failed')),
  reason TEXT,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (upgrade_id, app_id)
) STRICT;
CREATE INDEX stack_moves_of_app ON stack_moves (app_id);
CREATE INDEX stack_moves_of_release ON stack_moves (release_id);
