#!/bin/sh
# Writes random passwords and the addresses that contain them into the current folder, once. POSTGRES_HOSTS and
# NATS_HOSTS name the servers where there are several.
set -eu
umask 077
[ ! -e complete ] || exit 0

random() { od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n'; }
postgres=$(random)
relay=$(random)
reader=$(random)
replication=$(random)
route=$(random)

# each HEAD TAIL SEPARATOR HOST... puts every host between head and tail.
each() {
  head=$1 tail=$2 separator=$3 all=
  shift 3
  for host in "$@"; do all="$all${all:+$separator}$head$host$tail"; done
  printf '%s' "$all"
}
postgres_hosts=${POSTGRES_HOSTS:-postgres}
nats_hosts=${NATS_HOSTS:-nats}

printf '%s' "$postgres" >postgres_password
printf '%s' "$replication" >replication_password
# Of several servers the one is meant that takes changes; one that does not answer is given up after two seconds.
options=sslmode=disable
[ "$postgres_hosts" = "${postgres_hosts% *}" ] || options="$options&target_session_attrs=read-write&connect_timeout=2"
printf '%s' "postgres://tokenledger:$postgres@$(each '' :5432 , $postgres_hosts)/tokenledger?$options" >database_url
each "nats://relay:$relay@" :4222 , $nats_hosts >nats_relay_url
# For subscribers, on the host or elsewhere; their address may be another.
printf '%s' "nats://reader:$reader@127.0.0.1:4222" >nats_reader_url
printf 'relay_password: "%s"\nreader_password: "%s"\n' "$relay" "$reader" >passwords.conf
# The servers of a cluster know each other by this.
printf 'authorization {user: route, password: "%s"}\nroutes: [%s]\n' \
  "$route" "$(each "\"nats://route:$route@" ':6222"' ', ' $nats_hosts)" >routes.conf
mkdir keys

# The image's user reads them; root in the other containers may anyway.
chown 65532:65532 .
chown 65532:65532 ./*
touch complete
