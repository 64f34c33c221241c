CREATE TABLE IF NOT EXISTS version (
    version INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,           -- milliseconds since 1970
    why     TEXT    NOT NULL,
    cluster TEXT    NOT NULL            -- the document, as TOML
) STRICT;

CREATE TABLE IF NOT EXISTS session (
    id TEXT    PRIMARY KEY,
    at INTEGER NOT NULL                 -- milliseconds since 1970
) STRICT;
