-- By which token a one-off was asked for: its client's connection ends with it. NULL for those of
-- before.
ALTER TABLE one_offs ADD COLUMN token_id TEXT;
ALTER TABLE one_offs ADD COLUMN token_fingerprint TEXT;
-- What the operator gives an account in place of the server's limits, as JSON.
ALTER TABLE accounts ADD COLUMN limits TEXT;
