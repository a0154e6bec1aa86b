-- Each time that an archive is asked for: what was fetched for the time before, by a worker that
-- was killed meanwhile, is not what is asked for now.
ALTER TABLE archive_fetches ADD COLUMN turn TEXT NOT NULL DEFAULT '';
