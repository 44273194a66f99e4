#!/bin/bash
# SPDX-License-Identifier: MIT
# check: stack=none
# All SQL through a grammar of MySQL 8 (TiDB's parser): files of sql/ and
# every statement of stmts.def. Needs Go and its module proxy, for this test
# only. A grammar is no server: doc/schema.md says what was not run.
here=$(cd "$(dirname "$0")" && pwd)
top=${TG_SRCDIR:-$here/../..}
# shellcheck source=/dev/null
. "$top/tests/support/tap.sh"

program=${TOLLGATE_BUILD_DIR:-$top/build}/tests/db/test_stmts
[[ -x $program ]] || skip_all "not built: $program"
PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || skip_all 'no Go on this machine'

dir=$(mktemp -d /tmp/tg-mysql8-XXXXXX) || exit 1
trap 'chmod -R u+w "$dir" 2>/dev/null; rm -rf "$dir"' EXIT
cp "$here"/mysql8/{go.mod,go.sum,main.go} "$dir/"
(cd "$dir" && go build -o check .) >"$dir/log" 2>&1 \
  || { diag "$(tail -n 5 "$dir/log")"
    skip_all "TiDB's parser could not be fetched or built"; }

accepts() {
  "$dir/check" "$1" >"$dir/out" || { diag "$(head -n 20 "$dir/out")"; false; }
}

"$program" --print >"$dir/statements.sql"
ok 'statements of stmts.def' accepts "$dir/statements.sql"
for file in "$top"/sql/*.sql "$top"/sql/schema/*.sql; do
  ok "${file#"$top/"}" accepts "$file"
done
printf 'INSERT INTO a (b) VALUES (1) RETURNING b;\n' >"$dir/mariadb.sql"
refuses() {
  ! "$dir/check" "$1" >/dev/null
}
ok "what only MariaDB has is refused" refuses "$dir/mariadb.sql"
tap_done
