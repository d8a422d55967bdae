#!/bin/sh
# Livy starts what it reaches by a URL: what is local is staged first, and the batch names the URLs.
set -eu
: "${LIVY_URL:=http://livy:8998}" "${HEARTH_STAGING_URL:=http://hearth:10000}" "${NAMESPACE:=my-namespace}"
export HEARTH_STAGING_URL

staged() { hearth stage --url http --namespace "$NAMESPACE" "$1"; }

batch=$(printf '{"name": "job", "file": "%s", "pyFiles": ["%s"], "args": ["one", "two"]}' "$(staged job.py)" "$(staged helpers.py)")
curl --fail --silent --show-error --header 'Content-Type: application/json' --data "$batch" "$LIVY_URL/batches"
