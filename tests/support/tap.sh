# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# TAP for integration tests in bash: source it, call ok/is/like, end with
# tap_done.  A test of this kind is an executable tests/<suite>/<name>.t;
# tools/check exports TOLLGATE_* of a running stack to it (HACKING.md).

tap_count=0
tap_failed=0

# ok NAME CMD...: passes when CMD succeeds.
ok() {
  local name=$1
  shift
  tap_count=$((tap_count + 1))
  if "$@"; then
    printf 'ok %d - %s\n' "$tap_count" "$name"
  else
    tap_failed=$((tap_failed + 1))
    printf 'not ok %d - %s\n' "$tap_count" "$name"
    printf '#   failed: %s\n' "$*" | cut -c 1-2000
    return 1
  fi
}

# is NAME GOT EXPECTED
is() {
  if ! ok "$1" test "$2" = "$3"; then
    printf '%s\n' "got: $2" "expected: $3" | cut -c 1-2000 | sed 's/^/#   /'
    return 1
  fi
}

# like NAME GOT REGEX (extended)
like() {
  # shellcheck disable=SC2317
  tap_match() { [[ $1 =~ $2 ]]; }
  if ! ok "$1" tap_match "$2" "$3"; then
    printf '%s\n' "$2" | cut -c 1-2000 | sed 's/^/#   got: /'
    return 1
  fi
}

# unlike NAME GOT REGEX
unlike() {
  # shellcheck disable=SC2317
  tap_no_match() { [[ ! $1 =~ $2 ]]; }
  ok "$1" tap_no_match "$2" "$3"
}

# skip NAME REASON: for what this machine can't have; never for what is
# missing in the project.
skip() {
  tap_count=$((tap_count + 1))
  printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
}

# skip_all REASON: ends the test.
skip_all() {
  printf '1..0 # SKIP %s\n' "$1"
  exit 0
}

diag() {
  printf '%s\n' "$*" | sed 's/^/# /'
}

# tap_program NAME CMD...: the cases of a program that prints TAP count as ours;
# that it does not end as it planned is one more.
tap_program() {
  local name=$1 before=$tap_count failed=$tap_failed planned='' line
  shift
  diag "$name"
  while IFS= read -r line; do
    if [[ $line =~ ^(not )?ok\ [0-9]+(.*) ]]; then
      tap_count=$((tap_count + 1))
      [[ -z ${BASH_REMATCH[1]} ]] || tap_failed=$((tap_failed + 1))
      printf '%sok %d%s\n' "${BASH_REMATCH[1]}" "$tap_count" \
        "${BASH_REMATCH[2]}"
    elif [[ $line =~ ^1\.\.([0-9]+) ]]; then
      planned=${BASH_REMATCH[1]}
    else
      printf '%s\n' "$line"
    fi
  done < <("$@")
  if ! wait $! && ((tap_failed == failed)) \
    || [[ $planned != $((tap_count - before)) ]]; then
    ok "$name ends as it planned" false
  fi
}

# tap_done: prints the plan; the exit code is the verdict.
tap_done() {
  printf '1..%d\n' "$tap_count"
  exit $((tap_failed > 0))
}
