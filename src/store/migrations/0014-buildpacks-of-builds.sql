ALTER TABLE builds ADD COLUMN buildpacks TEXT;
