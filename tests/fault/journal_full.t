#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=240
# The journal's disk is full: requests are refused with 503, those that were
# let in are metered, and all is well again when there is room.
set -u
cd "${TG_SRCDIR:-$(dirname "$0")/../..}" || exit 1
STACK_PROCESSES=2
. tests/fault/lib.sh

((EUID == 0)) || skip_all 'mounting a small disk takes root'
disk=$(mktemp -d /var/tmp/tollgate-disk.XXXXXX) || exit 1
chmod a+rx "$disk"
truncate -s 48M "$disk/image"
mkfs.ext4 -q -F -m 0 "$disk/image" || skip_all 'no mkfs.ext4'
mkdir "$disk/mnt"
mount -o loop "$disk/image" "$disk/mnt" 2>/dev/null || {
  rm -rf "$disk"
  skip_all 'no loop devices here'
}
end_disk() {
  fault_stop
  umount "$disk/mnt" || umount -l "$disk/mnt"
  rm -rf "$disk"
}
mkdir -m 0750 "$disk/mnt/journal"
chown www-data: "$disk/mnt/journal" 2>/dev/null
chmod a+rx "$disk/mnt"

refused() {
  awk '$2 == 503 { n++ } END { print n + 0 }' "$FAULT_DIR/$1.ids"
}

is_served() {
  [[ $(fault_post "$FAULT_MODEL") == 200 ]]
}

is_refused() {
  [[ $(fault_post "$FAULT_MODEL") == 503 ]]
}

# Asked at once, so that the web server spreads them over the workers.
are_all_full() {
  local urls=() i
  for i in 1 2 3 4 5 6 7 8; do
    urls+=(-o /dev/null "$TOLLGATE_URL/readyz")
  done
  [[ $(curl -sZ -m 5 -w '%{http_code}\n' "${urls[@]}" | sort | uniq -c) \
    =~ ^\ *8\ 503$ ]]
}

fault_start "TOLLGATE_JOURNAL_DIR=$disk/mnt/journal" \
  TOLLGATE_JOURNAL_FILE_BYTES=1048576 TOLLGATE_JOURNAL_KEEP_S=3600 \
  TOLLGATE_THREADS=16
trap end_disk EXIT
ok 'served while there is room' is_served
fault_load closed false "$FAULT_MODEL" --clients 8 --duration 600
closed=$FAULT_LOAD
fault_load stream true paced --mode stream --clients 8 --duration 600
stream=$FAULT_LOAD
sleep 2
dd if=/dev/zero of="$disk/mnt/filler" bs=64K 2>/dev/null # to the last block
ok 'requests are refused when it is full' \
  stack_wait 60 'a refusal' is_refused
is 'as journal_full' "$(jq -r .error.code "$FAULT_DIR/answer")" journal_full
# The other worker's file may have had more room left.
ok 'not ready' stack_wait 60 'each worker to be full' are_all_full
sleep 1
stack_workers | xargs kill -TERM
ok 'workers that start now refuse, too, and live' \
  stack_wait 60 'a refusal by new workers' is_refused
rm "$disk/mnt/filler"
ok 'served again when there is room' stack_wait 30 'an answer' is_served
sleep 2
kill -INT "$closed" "$stream" 2>/dev/null
wait "$closed" "$stream"
ok 'the load was refused, too' test "$(refused closed)" -gt 0
diag "$(fault_answered closed) answers, $(refused closed) refusals"
# "-": the web server's own answer while no worker was there.
is 'nothing but answers and refusals' \
  "$(awk '$1 != "-" && $2 != 200 && $2 != 503' \
  "$FAULT_DIR/closed.ids" "$FAULT_DIR/stream.ids" | wc -l)" 0
# A stream may have been ended for want of room: its row says so.
ok 'everything is flushed and reconcile finds nothing' fault_wait_flushed
is 'closed: each answer has its one row' "$(fault_wrong_rows closed)" 0
is 'stream: each answer has its one row' "$(fault_wrong_rows stream any)" 0
is 'no row is interrupted' "$(fault_sql "SELECT COUNT(*) FROM usage_records
  WHERE request_status = 'interrupted'")" 0
tap_done
