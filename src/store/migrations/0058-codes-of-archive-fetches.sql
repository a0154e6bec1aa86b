-- The error's code, beside the reason.
ALTER TABLE archive_fetches ADD COLUMN code TEXT;
