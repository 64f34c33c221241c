-- What operators are drafting: one draft each, of the current version.
CREATE TABLE draft (
    who       TEXT    PRIMARY KEY,
    page      TEXT    NOT NULL,
    at        INTEGER NOT NULL,          -- milliseconds since 1970
    version   INTEGER NOT NULL,
    cluster   TEXT    NOT NULL,          -- the edited document, as TOML
    conflicts TEXT    NOT NULL           -- model::draft::Entry, as a JSON list
) STRICT;
