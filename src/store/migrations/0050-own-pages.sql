-- Pages of apps' own in place of the router's. `asked` is a hash of the address, which may be a
-- secret; `content` is the hash of what is shown, which names its file.
CREATE TABLE own_pages (
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  asked TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  problem TEXT,
  content TEXT,
  bytes INTEGER,
  fetched_at INTEGER,
  PRIMARY KEY (app_id, kind)
) STRICT;
