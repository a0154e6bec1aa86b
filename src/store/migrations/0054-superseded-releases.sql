-- The version of the newer release that served in its place. It counts as succeeded, since that
-- contains it.
ALTER TABLE releases ADD COLUMN superseded_by INTEGER;
