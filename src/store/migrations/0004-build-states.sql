CREATE INDEX builds_by_state ON builds (state);
