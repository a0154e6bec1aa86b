-- What the router lets through to an app, as its owner set it: JSON. Passwords are hashed in it.
CREATE TABLE edges (
  app_id TEXT PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
  settings TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
