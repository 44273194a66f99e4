#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: web=all
# The curl lines of the documents that Tollgate comes from, word for word but
# for the address, an X-API-Key header with the operator's key where an
# operator acts, and one comment inside a body. Member names and JSON types
# are compared with what those documents show.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh
url=$TOLLGATE_URL
unique=$$-$TOLLGATE_WEB

# shape JSON: its members in order with their types, on one line.
shape() {
  jq -r '[to_entries[] | "\(.key):\(.value | type)"] | join(" ")' <<<"$1"
}

# has_shape NAME JSON MEMBERS: exactly these come first; more may follow.
has_shape() {
  local got
  got=$(shape "$2")
  like "$1" "$got " "^$3 "
}

customer=$(curl -sS -X POST "$url/customers" \
  -H "Content-Type: application/json" \
  -H "X-API-Key: $TOLLGATE_OPERATOR_KEY" \
  -d '{
    "name": "Your Company",
    "email": "contact-'"$unique"'@company.com",
    "company": "Your Company Inc"
  }')
has_shape 'POST /customers: seed body: the seed answer' "$customer" \
  'id:number name:string email:string company:string created_at:string'
like 'POST /customers: created_at is a UTC time' \
  "$(jq -r .created_at <<<"$customer")" \
  '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$'
is 'POST /customers: name comes back' "$(jq -r .name <<<"$customer")" \
  'Your Company'

key_answer=$(curl -sS -X POST "$url/api/keys" \
  -H "Content-Type: application/json" \
  -H "X-API-Key: $TOLLGATE_OPERATOR_KEY" \
  -d '{
    "customer_email": "contact-'"$unique"'@company.com",
    "name": "Production Key",
    "allowed_models": [1, 2]
  }')
has_shape 'POST /api/keys: seed body: the seed answer' "$key_answer" \
  'id:number key:string name:string rate_limit:number allowed_models:array'
is 'POST /api/keys: limit of 60 by default' \
  "$(jq -c '[.rate_limit, .allowed_models]' <<<"$key_answer")" '[60,[1,2]]'
key=$(jq -r .key <<<"$key_answer")
id=$(jq -r .id <<<"$key_answer")

# generate NAME BODY
generate() {
  local answer
  answer=$(curl -sS -X POST "$url/generate" \
    -H "Content-Type: application/json" \
    -H "X-API-Key: $key" \
    -d "$2")
  has_shape "POST /generate: $1: the seed answer" "$answer" \
    'response:string tokens_used:number cost:number'
  is "POST /generate: $1: something was generated" \
    "$(jq "(.response | length > 0) and .tokens_used > 0" <<<"$answer")" true
  unlike "POST /generate: $1: cost has no exponent" "$answer" '[0-9][eE]-?[0-9]'
}
generate 'model 1' '{
    "text": "Your prompt here",
    "model_id": 1,
    "max_length": 100
  }'
generate 'model 2' '{
    "text": "What legal considerations should I keep in mind for my business?",
    "model_id": 2,
    "max_length": 100
  }'
generate 'model by name' '{"text": "Your prompt here", "model_id": "gpt2-mini"}'
is 'POST /generate: local model: free' \
  "$(curl -sS "$url/generate" -H 'Content-Type: application/json' \
    -H "X-API-Key: $key" -d '{"text":"a","model_id":1}' | jq .cost)" 0
is 'POST /generate: external model: not free' \
  "$(curl -sS "$url/generate" -H 'Content-Type: application/json' \
    -H "X-API-Key: $key" -d '{"text":"a","model_id":2}' | jq '.cost > 0')" true

# lighttpd wants a length from every POST, be it 0: hence -d ''.
toggled=$(curl -sS -X POST "$url/api/keys/$id/toggle" \
  -d '' -H "X-API-Key: $TOLLGATE_OPERATOR_KEY")
is 'toggle: active key: off' "$toggled" \
  '{"id":'"$id"',"is_active":false}'
is 'toggle: key that is off: refused at once' \
  "$(curl -sS -o /dev/null -w '%{http_code}' "$url/v1/models" \
    -H "X-API-Key: $key")" 401
toggled=$(curl -sS -X POST "$url/api/keys/$id/toggle" \
  -H "X-API-Key: $TOLLGATE_OPERATOR_KEY" -H 'Content-Type: application/json' \
  -d '{"is_active":true}')
is 'toggle: set: on' "$toggled" '{"id":'"$id"',"is_active":true}'
is 'toggle: key that is on again: works at once' \
  "$(curl -sS -o /dev/null -w '%{http_code}' "$url/v1/models" \
    -H "X-API-Key: $key")" 200

dashboard=$url/dashboard/$TOLLGATE_CUSTOMER_ID
is 'GET /dashboard: without a session: to the sign-in' \
  "$(curl -sS -o /dev/null -w '%{http_code} %{redirect_url}' "$dashboard" \
    | sed "s|$url||; s|?.*||")" '303 /login'

tap_done
