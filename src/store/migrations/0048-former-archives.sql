-- Of add-ons of a server that was restored: the window of the archive that is at the backup target
-- alone.
ALTER TABLE addon_archives ADD COLUMN former_since INTEGER;
ALTER TABLE addon_archives ADD COLUMN former_until INTEGER;
