-- What the worker adds up, so that nobody has to read all sessions to show a page.
CREATE TABLE total (
    habit_id bigint PRIMARY KEY REFERENCES habit (id) ON DELETE CASCADE,
    sessions bigint NOT NULL,
    minutes bigint NOT NULL,
    score bigint NOT NULL,
    streak integer NOT NULL
);
