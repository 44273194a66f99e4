#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=all
# PATCH and DELETE pass each web server: a model added, changed, archived.
# tests/wire/models.t has the rest.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

# ask METHOD PATH [BODY]: sets status and answer.
status='' answer=''
ask() {
  answer=$(curl -sS -X "$1" "$TOLLGATE_URL$2" -w '\n%{http_code}' \
    -H "X-API-Key: $TOLLGATE_OPERATOR_KEY" ${3:+-d "$3"} \
    -H 'Content-Type: application/json')
  status=${answer##*$'\n'}
  answer=${answer%$'\n'*}
}

ask POST /api/models '{"name": "methods-'"$$-$TOLLGATE_WEB"'",
  "model_config": {"api_url": "https://api.example.com/v1/completions",
  "api_key": "your_api_key", "model_name": "model_name", "preload": false}}'
is 'POST /api/models: the documented external model: added' "$status" 201 \
  || diag "$answer"
id=$(jq -r .id <<<"$answer")
unlike 'POST /api/models: its credential is not shown' "$answer" your_api_key
ask PATCH "/api/models/$id" '{"default_temperature": 0.25}'
is 'PATCH: changed' "$status $(jq .default_temperature <<<"$answer")" '200 0.25' \
  || diag "$answer"
ask GET "/api/models/$id"
is 'GET: as it was changed' "$(jq .default_temperature <<<"$answer")" 0.25
ask DELETE "/api/models/$id"
like 'DELETE: archived' "$status $(jq -r .archived_at <<<"$answer")" '^200 20' \
  || diag "$answer"
ask PATCH "/api/models/$id" '{}'
is 'PATCH: of an archived model: 404' "$status" 404
tap_done
