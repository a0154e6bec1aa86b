-- Of its service, where that has several.
ALTER TABLE addons ADD COLUMN version TEXT;
UPDATE addons SET version = '17' WHERE service = 'heroku-postgresql';
