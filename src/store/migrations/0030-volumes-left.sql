-- The release with which a volume leaves: if that fails, it stays.
ALTER TABLE volumes ADD COLUMN left_by TEXT;
