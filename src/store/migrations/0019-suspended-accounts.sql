-- Since when nothing opens the account.
ALTER TABLE accounts ADD COLUMN suspended_at INTEGER;
-- Of one that was removed: its row stays for what it has done, with its id as email, so that
-- another may have the email.
ALTER TABLE accounts ADD COLUMN former_email TEXT;
