-- The guests that may be reached by SSH.
CREATE TABLE ssh (
    uuid    TEXT PRIMARY KEY,            -- of the domain
    user    TEXT NOT NULL,
    address TEXT                         -- if it is not to be found out
) STRICT;
