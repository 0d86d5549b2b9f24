#!/bin/sh
# Somebody leaves. This does what an identity provider does then, one SCIM
# request, and shows from the log what it ended and that no token was used since.
#
#   leaver.sh NAME [FILE…]
#
# NAME is the leaver's userName. Each FILE holds the value of one of the leaver's
# personal tokens; it is tried once afterwards, which is a use that must be refused.
#
#   TOKENLEDGER_SERVER   the ledger, by default http://127.0.0.1:8080
#   SCIM_TOKEN_FILE      a token of the organization with the scope user:write
#   ORGANIZATION         its id, where the leaver's tokens reach others, too
#   TOKENLEDGER_NATS_…   as for `tokenledger tail`, where the ledger is not the embedded one
#
# It ends with 0 if everything ended and nothing was used since, else with 1.
# It needs curl, jq and tokenledger.
set -eu

name=${1:?usage: leaver.sh NAME [FILE…]}
shift
server=${TOKENLEDGER_SERVER:-http://127.0.0.1:8080}
: "${SCIM_TOKEN_FILE:?name the file with the token for SCIM}"

# The token is read from a file by curl itself, so that no list of processes shows it.
scim() {
	printf 'header = "Authorization: Bearer %s"\n' "$(cat "$SCIM_TOKEN_FILE")" |
		curl --silent --show-error --fail-with-body --config - -H 'Content-Type: application/scim+json' "$@"
}

# 1. Who it is. jq writes the name as a JSON string, which is how a filter has it.
filter="userName eq $(jq -cn --arg name "$name" '$name')"
user=$(scim --get --data-urlencode "filter=$filter" "$server/scim/v2/Users" | jq -r '.Resources[0].id // empty')
[ -n "$user" ] || { echo "there is no user $name" >&2; exit 1; }

# 2. Out. The id of the request is in every event that it causes.
request="leaver-$(date +%s)-$$"
scim -X PATCH -H "X-Request-ID: $request" --output /dev/null "$server/scim/v2/Users/$user" --data '{
	"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
	"Operations": [{"op": "replace", "value": {"active": false}}]
}'

# 3. The next use of each token, for this organization.
failed=0
for file in "$@"; do
	status=$(printf 'header = "Authorization: Bearer %s"\n' "$(cat "$file")" |
		curl --silent --config - ${ORGANIZATION:+-H "X-Organization-ID: $ORGANIZATION"} \
			--output /dev/null --write-out '%{http_code}' "$server/auth/check?scope=evidence:read")
	echo "next use of the token in $file: $status"
	case $status in 401 | 403) ;; *) failed=1 ;; esac
done

# 4. What the log says: what ended, and each use of those tokens after it. It is
# carried to NATS a moment after it is recorded.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
mine() { jq -rs --arg request "$request" "map(select(.correlation == \$request)) | $1" "$log"; }
tries=0
until [ -s "$log" ] && [ "$(mine 'map(select(.type == "membership.ended")) | length')" = 1 ]; do
	tries=$((tries + 1))
	[ "$tries" -le 30 ] || { echo "the log does not show the end of the membership" >&2; exit 1; }
	[ "$tries" -eq 1 ] || sleep 1
	tokenledger tail --from 1 --no-follow --output json >"$log"
done
mine '.[] | select(.type != "token.used") | "\(.position)  \(.recorded_at)  \(.type)  \(.stream)"'
left=$(mine 'map(.position) | max')
for token in $(mine 'map(select(.type == "grant.ended") | .stream | ltrimstr("grant-") | split(".")[0]) | unique[]'); do
	uses=$(jq -s --arg token "token-$token" --argjson left "$left" \
		'map(select(.stream == $token and .type == "token.used" and .position > $left)) | length' "$log")
	echo "token $token: $uses uses since"
	[ "$uses" = 0 ] || failed=1
done
exit "$failed"
