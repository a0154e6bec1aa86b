-- Whether a worker has the build and has not given it back; and how many ended without giving it
-- back.
ALTER TABLE builds ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE builds ADD COLUMN losses INTEGER NOT NULL DEFAULT 0;
