-- How the build went, as JSON: the times of its phases, what it used again, what it weighs.
ALTER TABLE builds ADD COLUMN report TEXT;
