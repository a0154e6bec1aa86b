CREATE TABLE sni_endpoints (
  id TEXT PRIMARY KEY,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  certificate TEXT NOT NULL,
  key BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (app_id, name)
) STRICT;

CREATE TABLE domains (
  id TEXT PRIMARY KEY,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  hostname TEXT NOT NULL UNIQUE,
  sni_endpoint_id TEXT REFERENCES sni_endpoints (id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX domains_of_app ON domains (app_id);
CREATE INDEX domains_of_sni_endpoint ON domains (sni_endpoint_id);
