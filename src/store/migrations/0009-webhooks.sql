CREATE TABLE webhooks (
  id TEXT PRIMARY KEY,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  url BLOB NOT NULL,
  include TEXT NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('notify', 'sync')),
  secret BLOB NOT NULL,
  authorization BLOB,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX webhooks_of_app ON webhooks (app_id);

CREATE TABLE webhook_events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  include TEXT NOT NULL,
  action TEXT NOT NULL,
  actor TEXT NOT NULL,
  data TEXT NOT NULL,
  previous_data TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_events_of_app ON webhook_events (app_id);

CREATE TABLE webhook_deliveries (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  event_id TEXT NOT NULL REFERENCES webhook_events (id) ON DELETE CASCADE,
  status TEXT NOT NULL CHECK (status IN ('pending', 'retrying', 'succeeded', 'failed')),
  attempts INTEGER NOT NULL,
  next_attempt_at INTEGER,
  last_attempt TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id);
CREATE INDEX webhook_deliveries_of_event ON webhook_deliveries (event_id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

CREATE TABLE webhook_changes (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('build', 'release')),
  id TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('create', 'update'))
) STRICT;
CREATE INDEX webhook_changes_of_app ON webhook_changes (app_id);

CREATE TRIGGER build_created AFTER INSERT ON builds
  WHEN EXISTS (SELECT 1 FROM webhooks WHERE app_id = NEW.app_id) BEGIN
  INSERT INTO webhook_changes (app_id, kind, id, action) VALUES (NEW.app_id, 'build', NEW.id, 'create');
END;
CREATE TRIGGER build_finished AFTER UPDATE OF state ON builds
  WHEN NEW.finished_at IS NOT OLD.finished_at AND EXISTS (SELECT 1 FROM webhooks WHERE app_id = NEW.app_id) BEGIN
  INSERT INTO webhook_changes (app_id, kind, id, action) VALUES (NEW.app_id, 'build', NEW.id, 'update');
END;
CREATE TRIGGER release_created AFTER INSERT ON releases
  WHEN EXISTS (SELECT 1 FROM webhooks WHERE app_id = NEW.app_id) BEGIN
  INSERT INTO webhook_changes (app_id, kind, id, action) VALUES (NEW.app_id, 'release', NEW.id, 'create');
END;
CREATE TRIGGER release_finished AFTER UPDATE OF state ON releases
  WHEN NEW.state <> OLD.state AND EXISTS (SELECT 1 FROM webhooks WHERE app_id = NEW.app_id) BEGIN
  INSERT INTO webhook_changes (app_id, kind, id, action) VALUES (NEW.app_id, 'release', NEW.id, 'update');
END;
