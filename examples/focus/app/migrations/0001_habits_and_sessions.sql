CREATE TABLE habit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE session (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    habit_id bigint NOT NULL REFERENCES habit (id) ON DELETE CASCADE,
    minutes integer NOT NULL CHECK (minutes BETWEEN 1 AND 240),
    note text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'scored')),
    score integer,
    started_at timestamptz NOT NULL DEFAULT now(),
    scored_at timestamptz
);

CREATE INDEX session_by_habit ON session (habit_id, started_at);
