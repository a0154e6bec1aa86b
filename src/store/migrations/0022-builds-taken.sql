-- When a build was taken for the apps of an account, within the last hour. It outlives the app and
-- the build.
CREATE TABLE builds_taken (owner_id TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE INDEX builds_taken_by_owner ON builds_taken (owner_id, at);
