-- The journal: a change is here before its first step runs, and `begun` rises before each step.
CREATE TABLE change (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,          -- milliseconds since 1970
    who        TEXT    NOT NULL,
    why        TEXT    NOT NULL,
    state      TEXT    NOT NULL,          -- as model::plan::ChangeState is written
    begun      INTEGER NOT NULL DEFAULT 0,
    plan       TEXT    NOT NULL,          -- model::plan::Plan, as JSON
    draft      TEXT    NOT NULL,          -- the document that it leads to, as TOML
    restores   INTEGER,                   -- the version that this document is again
    undoes     INTEGER,                   -- the version that this takes back
    outcome    TEXT,                      -- store::journal::Outcome, as JSON
    version    INTEGER                    -- the version that it made
) STRICT;

ALTER TABLE version ADD COLUMN who TEXT NOT NULL DEFAULT '';
ALTER TABLE version ADD COLUMN restores INTEGER;
ALTER TABLE version ADD COLUMN undoes INTEGER;

-- What of this host's was last put back after a start, so that it is not done twice: the host itself, or a guest.
CREATE TABLE started (
    what TEXT PRIMARY KEY,
    boot TEXT NOT NULL
) STRICT;
