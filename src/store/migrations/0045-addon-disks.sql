-- How much of its plan's disk an add-on takes: `full` is read-only.
ALTER TABLE addons ADD COLUMN fill TEXT NOT NULL DEFAULT 'usual' CHECK (fill IN ('usual', 'near', 'full'));
ALTER TABLE addons ADD COLUMN bytes INTEGER;
-- JSON: options of its service, such as PostGIS.
ALTER TABLE addons ADD COLUMN extras TEXT NOT NULL DEFAULT '[]';
-- JSON: port and networks at which it is reached from outside; NULL: it is not.
ALTER TABLE addons ADD COLUMN exposed TEXT;
