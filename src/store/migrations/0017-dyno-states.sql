CREATE TABLE dyno_states (
  id TEXT PRIMARY KEY,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  uuid TEXT,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  size TEXT NOT NULL,
  release INTEGER NOT NULL,
  attached INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('starting', 'up', 'crashed', 'complete', 'stopping', 'stopped', 'down', 'gone')),
  since INTEGER NOT NULL,
  exit_status INTEGER,
  error TEXT CHECK (error IN ('R10', 'R15')),
  told TEXT
) STRICT;
CREATE INDEX dyno_states_of_app ON dyno_states (app_id);
CREATE INDEX dyno_states_untold ON dyno_states (since) WHERE told IS NOT state;

-- Webhooks and events without a reference to their app: what is still to be delivered outlives it.
-- SQLite changes no references, so the tables are made anew, and the triggers that read them too.
DROP TRIGGER build_created;
DROP TRIGGER build_finished;
DROP TRIGGER release_created;
DROP TRIGGER release_finished;

CREATE TABLE new_webhooks (
  id TEXT PRIMARY KEY,
  app_id TEXT NOT NULL,
  url BLOB NOT NULL,
  include TEXT NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('notify', 'sync')),
  secret BLOB NOT NULL,
  authorization BLOB,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
INSERT INTO new_webhooks SELECT * FROM webhooks ORDER BY rowid;

CREATE TABLE new_webhook_events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  app_id TEXT NOT NULL,
  include TEXT NOT NULL,
  action TEXT NOT NULL,
  actor TEXT NOT NULL,
  data TEXT NOT NULL,
  previous_data TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
INSERT INTO new_webhook_events SELECT * FROM webhook_events;

CREATE TABLE new_webhook_deliveries (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  webhook_id TEXT NOT NULL REFERENCES new_webhooks (id) ON DELETE CASCADE,
  event_id TEXT NOT NULL REFERENCES new_webhook_events (id) ON DELETE CASCADE,
  status TEXT NOT NULL CHECK (status IN ('pending', 'retrying', 'succeeded', 'failed')),
  attempts INTEGER NOT NULL,
  next_attempt_at INTEGER,
  last_attempt TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
INSERT INTO new_webhook_deliveries SELECT * FROM webhook_deliveries;

CREATE TABLE new_webhook_changes (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('build', 'release', 'formation')),
  id TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('create', 'update', 'destroy')),
  data TEXT
) STRICT;
INSERT INTO new_webhook_changes (sequence, app_id, kind, id, action)
  SELECT sequence, app_id, kind, id, action FROM webhook_changes;

DROP TABLE webhook_deliveries;
DROP TABLE webhook_events;
DROP TABLE webhooks;
DROP TABLE webhook_changes;
ALTER TABLE new_webhooks RENAME TO webhooks;
ALTER TABLE new_webhook_events RENAME TO webhook_events;
ALTER TABLE new_webhook_deliveries RENAME TO webhook_deliveries;
ALTER TABLE new_webhook_changes RENAME TO webhook_changes;

CREATE INDEX webhooks_of_app ON webhooks (app_id);
CREATE INDEX webhook_events_of_app ON webhook_events (app_id);
CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id);
CREATE INDEX webhook_deliveries_of_event ON webhook_deliveries (event_id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
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
-- Only deploys add and remove process types. To add one is an update, as Heroku knows no other for
-- formations.
CREATE TRIGGER formation_added AFTER INSERT ON formations
  WHEN EXISTS (SELECT 1 FROM webhooks WHERE app_id = NEW.app_id) BEGIN
  INSERT INTO webhook_changes (app_id, kind, id, action) VALUES (NEW.app_id, 'formation', NEW.id, 'update');
END;
-- Not when the whole app goes.
CREATE TRIGGER formation_removed AFTER DELETE ON formations
  WHEN EXISTS (SELECT 1 FROM webhooks WHERE app_id = OLD.app_id)
    AND EXISTS (SELECT 1 FROM apps WHERE id = OLD.app_id) BEGIN
  INSERT INTO webhook_changes (app_id, kind, id, action, data)
    VALUES (OLD.app_id, 'formation', OLD.id, 'destroy', json_object(
      'id', OLD.id, 'app_id', OLD.app_id, 'type', OLD.type, 'quantity', OLD.quantity, 'size', OLD.size,
      'created_at', OLD.created_at, 'updated_at', OLD.updated_at));
END;

-- What an app leaves behind is what its webhooks are still to be told, and that only until they
-- are.
CREATE TRIGGER app_removed AFTER DELETE ON apps BEGIN
  DELETE FROM webhooks WHERE app_id = OLD.id AND NOT EXISTS (
    SELECT 1 FROM webhook_deliveries WHERE webhook_id = webhooks.id AND next_attempt_at IS NOT NULL);
  DELETE FROM webhook_events WHERE app_id = OLD.id AND NOT EXISTS (
    SELECT 1 FROM webhook_deliveries WHERE event_id = webhook_events.id AND next_attempt_at IS NOT NULL);
END;
CREATE TRIGGER left_behind_delivered AFTER UPDATE OF next_attempt_at ON webhook_deliveries
  WHEN NEW.next_attempt_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM apps JOIN webhooks ON webhooks.app_id = apps.id WHERE webhooks.id = NEW.webhook_id) BEGIN
  DELETE FROM webhook_events WHERE id = NEW.event_id AND NOT EXISTS (
    SELECT 1 FROM webhook_deliveries WHERE event_id = NEW.event_id AND next_attempt_at IS NOT NULL);
  DELETE FROM webhooks WHERE id = NEW.webhook_id AND NOT EXISTS (
    SELECT 1 FROM webhook_deliveries WHERE webhook_id = NEW.webhook_id AND next_attempt_at IS NOT NULL);
END;
