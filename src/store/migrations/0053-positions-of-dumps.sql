-- What an add-on's service said before a dump, which is another after anything was written; and
-- until when it said the same since, so that the dump still has all there is.
ALTER TABLE data_transfers ADD COLUMN position TEXT;
ALTER TABLE data_transfers ADD COLUMN same_until INTEGER;
