-- Whether the release command of a release has ended well: then it is not run again, whatever
-- becomes of the worker that deploys it.
ALTER TABLE releases ADD COLUMN command_done INTEGER NOT NULL DEFAULT 0;
