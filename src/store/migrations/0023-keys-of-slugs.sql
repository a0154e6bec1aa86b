-- What decided the build of a slug, keyed by this server's secret: a build of the same uses it.
ALTER TABLE slugs ADD COLUMN build_key TEXT;
CREATE INDEX slugs_by_build_key ON slugs (app_id, build_key) WHERE build_key IS NOT NULL;
