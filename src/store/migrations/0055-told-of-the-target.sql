-- When its app was last told that nothing of an add-on is stored at the backup target; null once
-- it is again.
ALTER TABLE addon_archives ADD COLUMN stored_warned_at INTEGER;
