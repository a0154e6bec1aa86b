-- What was inside an add-on when it was dumped, to compare a copy with; NULL: nothing was noted.
ALTER TABLE data_transfers ADD COLUMN facts TEXT;
-- Whether what a proof restored was compared with that, too.
ALTER TABLE addon_proofs ADD COLUMN compared INTEGER CHECK (compared IN (0, 1));
