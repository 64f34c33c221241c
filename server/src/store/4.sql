-- With which login programs are run in guests whose agents run none.
CREATE TABLE login (
    guest  TEXT PRIMARY KEY,             -- the domain's name
    uuid   TEXT NOT NULL,                -- and its own: another one may come to have the name
    sealed BLOB NOT NULL                 -- nonce, then user and password, encrypted with the key in the file login.key
) STRICT;
