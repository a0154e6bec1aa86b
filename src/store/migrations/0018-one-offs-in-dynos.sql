-- The dyno that a one-off joins; NULL: it has one of its own.
ALTER TABLE one_offs ADD COLUMN dyno TEXT;
