-- Certificates that the server gets by itself. `names`: JSON. `key`, like that of an account,
-- encrypted. `state`: JSON, what is the matter included. `next_at`: when it is tried, or looked at.
CREATE TABLE managed_certificates (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  names TEXT NOT NULL,
  app_id TEXT REFERENCES apps (id) ON DELETE CASCADE,
  certificate TEXT,
  key BLOB,
  issued_at INTEGER,
  ends_at INTEGER,
  renew_at INTEGER,
  state TEXT NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX managed_certificates_of_app ON managed_certificates (app_id);
CREATE INDEX managed_certificates_due ON managed_certificates (next_at);

-- Who this server is for an authority.
CREATE TABLE acme_accounts (
  directory TEXT PRIMARY KEY,
  url TEXT,
  key BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- Whether an app's own domains get certificates by themselves.
ALTER TABLE apps ADD COLUMN acm INTEGER NOT NULL DEFAULT 1 CHECK (acm IN (0, 1));

-- null: as is usual where a certificate came by itself.
ALTER TABLE apps ADD COLUMN https_redirect INTEGER CHECK (https_redirect IN (0, 1));
ALTER TABLE apps ADD COLUMN hsts_seconds INTEGER CHECK (hsts_seconds >= 0);
