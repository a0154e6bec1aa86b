-- Databases and caches of apps. `secrets` (user, password, database, the next password, config
-- vars) is encrypted. `work` is what is still to be done to one that is provisioned.
CREATE TABLE addons (
  id TEXT PRIMARY KEY,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  account_id TEXT REFERENCES accounts (id) ON DELETE SET NULL,
  name TEXT NOT NULL UNIQUE,
  service TEXT NOT NULL,
  plan TEXT NOT NULL,
  host TEXT NOT NULL UNIQUE,
  process TEXT NOT NULL,
  secrets BLOB NOT NULL,
  state TEXT NOT NULL DEFAULT 'provisioning'
    CHECK (state IN ('provisioning', 'provisioned', 'failed', 'deprovisioned')),
  work TEXT CHECK (work IN ('rotate', 'reset')),
  reason TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX addons_of_app ON addons (app_id);

-- What an app calls an add-on that it uses; its config vars have names that begin so.
CREATE TABLE addon_attachments (
  id TEXT PRIMARY KEY,
  addon_id TEXT NOT NULL REFERENCES addons (id) ON DELETE CASCADE,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (app_id, name)
) STRICT;
CREATE INDEX addon_attachments_of_addon ON addon_attachments (addon_id);
