CREATE TABLE audit_entries (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  entry TEXT NOT NULL,
  hash TEXT NOT NULL,
  app_id TEXT GENERATED ALWAYS AS (entry ->> '$.app.id') VIRTUAL,
  account_email TEXT GENERATED ALWAYS AS (entry ->> '$.account.email') VIRTUAL,
  action TEXT GENERATED ALWAYS AS (entry ->> '$.action') VIRTUAL,
  client TEXT GENERATED ALWAYS AS (entry ->> '$.client') VIRTUAL,
  created_at TEXT GENERATED ALWAYS AS (entry ->> '$.created_at') VIRTUAL
) STRICT;
CREATE INDEX audit_entries_of_app ON audit_entries (app_id) WHERE app_id IS NOT NULL;

CREATE TABLE audit_start (sequence INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
INSERT INTO audit_start (sequence, hash)
VALUES (0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TRIGGER audit_entry_stays_as_it_is BEFORE UPDATE ON audit_entries BEGIN
  SELECT RAISE(ABORT, 'entries of the audit log are not changed');
END;
CREATE TRIGGER audit_entry_stays BEFORE DELETE ON audit_entries
  WHEN OLD.sequence > (SELECT sequence FROM audit_start) BEGIN
  SELECT RAISE(ABORT, 'entries of the audit log are kept');
END;
