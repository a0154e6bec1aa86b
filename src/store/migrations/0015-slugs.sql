CREATE TABLE slug_drafts (
  id TEXT PRIMARY KEY,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  process_types TEXT NOT NULL,
  buildpack TEXT,
  commit_name TEXT,
  commit_description TEXT,
  sha256 TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX slug_drafts_of_app ON slug_drafts (app_id);
CREATE INDEX slug_drafts_by_expiry ON slug_drafts (expires_at);

-- The table is made anew, since SQLite cannot take NOT NULL off a column. What refers to it finds
-- its rows again before the commit.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE present_slugs AS SELECT * FROM slugs ORDER BY rowid;
DROP TABLE slugs;
CREATE TABLE slugs (
  id TEXT PRIMARY KEY,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  build_id TEXT REFERENCES builds (id) ON DELETE CASCADE,
  commit_sha TEXT,
  commit_description TEXT,
  image TEXT NOT NULL,
  stack TEXT NOT NULL,
  process_types TEXT NOT NULL,
  buildpack TEXT,
  size INTEGER NOT NULL,
  sha256 TEXT,
  app_json TEXT,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX slugs_of_app ON slugs (app_id);
CREATE INDEX slugs_of_build ON slugs (build_id);
INSERT INTO slugs (id, app_id, build_id, commit_sha, image, stack, process_types, buildpack, size, app_json, created_at)
  SELECT id, app_id, build_id, commit_sha, image, stack, process_types, buildpack, size, app_json, created_at
  FROM present_slugs ORDER BY rowid;
DROP TABLE present_slugs;

ALTER TABLE releases ADD COLUMN brings_code INTEGER NOT NULL DEFAULT 0;
UPDATE releases SET brings_code = 1 WHERE id IN (SELECT release_id FROM builds);
