-- Webhooks are told of add-ons and attachments whoever makes them: somebody, an app.json, the
-- worker. SQLite changes no check: the table is made anew, without those who write into it.
DROP TRIGGER build_created;
DROP TRIGGER build_finished;
DROP TRIGGER release_created;
DROP TRIGGER release_finished;
DROP TRIGGER formation_added;
DROP TRIGGER formation_removed;

CREATE TABLE new_webhook_changes (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('build', 'release', 'formation', 'addon', 'attachment')),
  id TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('create', 'update', 'destroy')),
  data TEXT
) STRICT;
INSERT INTO new_webhook_changes SELECT * FROM webhook_changes;
DROP TABLE webhook_changes;
ALTER TABLE new_webhook_changes RENAME TO webhook_changes;
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
CREATE TRIGGER formation_added AFTER INSERT ON formations
  WHEN EXISTS (SELECT 1 FROM webhooks WHERE app_id = NEW.app_id) BEGIN
  INSERT INTO webhook_changes (app_id, kind, id, action) VALUES (NEW.app_id, 'formation', NEW.id, 'update');
END;
CREATE TRIGGER formation_removed AFTER DELETE ON formations
  WHEN EXISTS (SELECT 1 FROM webhooks WHERE app_id = OLD.app_id)
    AND EXISTS (SELECT 1 FROM apps WHERE id = OLD.app_id) BEGIN
  INSERT INTO webhook_changes (app_id, kind, id, action, data)
    VALUES (OLD.app_id, 'formation', OLD.id, 'destroy', json_object(
      'id', OLD.id, 'app_id', OLD.app_id, 'type', OLD.type, 'quantity', OLD.quantity, 'size', OLD.size,
      'created_at', OLD.created_at, 'updated_at', OLD.updated_at));
END;

CREATE TRIGGER addon_created AFTER INSERT ON addons
  WHEN EXISTS (SELECT 1 FROM webhooks WHERE app_id = NEW.app_id) BEGIN
  INSERT INTO webhook_changes (app_id, kind, id, action) VALUES (NEW.app_id, 'addon', NEW.id, 'create');
END;
-- It is there, or could not be made. What a request changes, its answer tells.
CREATE TRIGGER addon_made AFTER UPDATE OF state ON addons
  WHEN OLD.state = 'provisioning' AND NEW.state IN ('provisioned', 'failed')
    AND EXISTS (SELECT 1 FROM webhooks WHERE app_id = NEW.app_id) BEGIN
  INSERT INTO webhook_changes (app_id, kind, id, action) VALUES (NEW.app_id, 'addon', NEW.id, 'update');
END;
CREATE TRIGGER attachment_created AFTER INSERT ON addon_attachments
  WHEN EXISTS (SELECT 1 FROM webhooks WHERE app_id = NEW.app_id) BEGIN
  INSERT INTO webhook_changes (app_id, kind, id, action) VALUES (NEW.app_id, 'attachment', NEW.id, 'create');
END;
CREATE TRIGGER attachment_removed AFTER DELETE ON addon_attachments
  WHEN EXISTS (SELECT 1 FROM webhooks WHERE app_id = OLD.app_id)
    AND EXISTS (SELECT 1 FROM apps WHERE id = OLD.app_id) BEGIN
  INSERT INTO webhook_changes (app_id, kind, id, action, data)
    VALUES (OLD.app_id, 'attachment', OLD.id, 'destroy', json_object(
      'id', OLD.id, 'app_id', OLD.app_id, 'addon_id', OLD.addon_id, 'name', OLD.name,
      'created_at', OLD.created_at, 'updated_at', OLD.updated_at));
END;
