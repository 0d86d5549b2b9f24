#!/bin/sh
# Starts one Postgres of a pair. Where PRIMARY names the other one and there is no data here yet, it is copied from
# there and becomes its standby; else it starts as what it is.
set -eu
REPLICATION_PASSWORD=$(cat "${SECRETS:-/run/tokenledger}/replication_password")
export REPLICATION_PASSWORD

if [ -n "${PRIMARY:-}" ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  install -d -o postgres -g postgres -m 0700 "$PGDATA"
  # The primary may not be there yet; a copy that was cut off is removed by the program that made it.
  until PGPASSWORD=$REPLICATION_PASSWORD gosu postgres pg_basebackup --pgdata "$PGDATA" --wal-method=stream --checkpoint=fast \
    --write-recovery-conf --dbname "host=$PRIMARY user=replication application_name=standby"; do
    sleep 2
  done
  # Who is promoted has no standby to wait for, until somebody says so again.
  sed -i '/^synchronous_standby_names/d' "$PGDATA/postgresql.auto.conf"
fi
exec docker-entrypoint.sh postgres "$@"
