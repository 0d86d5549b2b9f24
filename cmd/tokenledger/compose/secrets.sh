#!/bin/sh
# Writes random passwords and the addresses that contain them into the current folder, once.
set -eu
umask 077
[ ! -e complete ] || exit 0

random() { od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n'; }
postgres=$(random)
relay=$(random)
reader=$(random)

printf '%s' "$postgres" >postgres_password
printf '%s' "postgres://tokenledger:$postgres@postgres:5432/tokenledger?sslmode=disable" >database_url
printf '%s' "nats://relay:$relay@nats:4222" >nats_relay_url
# For subscribers, on the host or elsewhere; their address may be another.
printf '%s' "nats://reader:$reader@127.0.0.1:4222" >nats_reader_url
printf 'relay_password: "%s"\nreader_password: "%s"\n' "$relay" "$reader" >passwords.conf

# The image's user reads them; root in the other containers may anyway.
chown 65532:65532 .
chown 65532:65532 ./*
touch complete
