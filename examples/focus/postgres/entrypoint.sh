#!/bin/sh
# Makes the cluster on the first start, with the user's password from a file, and then becomes the server.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username=postgres --auth-local=peer --auth-host=scram-sha-256 --pwfile="$POSTGRES_PASSWORD_FILE" --no-instructions >/dev/null
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    # Reachable by its socket only until it is complete, so that nobody sees a half-made database.
    pg_ctl --silent --wait start -o "-c listen_addresses=''"
    psql --quiet --set=ON_ERROR_STOP=1 --set=user="$POSTGRES_USER" --set=database="$POSTGRES_DB" \
        --set=password="$(cat "$POSTGRES_PASSWORD_FILE")" <<'SQL'
CREATE ROLE :"user" LOGIN PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"user";
SQL
    pg_ctl --silent --wait stop --mode=fast
fi
exec "$@"
