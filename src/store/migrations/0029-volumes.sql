-- What an app writes for good. `types`: JSON, process types whose dynos mount it. `made`: the
-- engine has it, which from then on is missed when it is gone. `leaving`: its data goes as soon as
-- no dyno has it. `bytes`: as measured last; `fill`: how near its limit that was.
CREATE TABLE volumes (
  id TEXT PRIMARY KEY,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  mount TEXT NOT NULL,
  types TEXT NOT NULL,
  single_writer INTEGER NOT NULL CHECK (single_writer IN (0, 1)),
  made INTEGER NOT NULL DEFAULT 0 CHECK (made IN (0, 1)),
  leaving INTEGER NOT NULL DEFAULT 0 CHECK (leaving IN (0, 1)),
  fill TEXT NOT NULL DEFAULT 'usual' CHECK (fill IN ('usual', 'near', 'full')),
  bytes INTEGER,
  measured_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX volumes_by_name ON volumes (app_id, name) WHERE leaving = 0;
