#!/bin/sh
# Makes the cluster, its owner and the database in an empty volume, then becomes the server.
set -eu

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    : "${DB_PASSWORD_FILE:?must name the file with the password}"
    user=${DB_USER:-focus}
    initdb --username="$user" --pwfile="$DB_PASSWORD_FILE" --encoding=UTF8 --locale=C.UTF-8 \
           --auth-local=trust --auth-host=scram-sha-256 > /dev/null
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    # No server yet: the single-user mode needs none, and nothing can connect too early.
    echo "CREATE DATABASE \"${DB_NAME:-focus}\"" | postgres --single -D "$PGDATA" postgres > /dev/null
    echo "database ${DB_NAME:-focus} created"
fi

exec "$@"
