#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check: stack=none timeout=300
# A forgotten password where e-mail is set up: a command in sendmail's place
# keeps what it gets.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/browser/own_stack.sh
mailbox() {
  mkdir -m 1777 "$dir/mail" || return 1
  cat >"$dir/sendmail" <<SCRIPT || return 1
#!/bin/sh
file=\$(mktemp "$dir/mail/new.XXXXXX") || exit 1
cat >"\$file"
chmod a+r "\$file"
mv "\$file" "$dir/mail/message.\${file##*.}"
SCRIPT
  chmod 755 "$dir/sendmail"
  # shellcheck disable=SC2034
  STACK_CONFIG="TOLLGATE_MAIL_SENDMAIL=$dir/sendmail -i
TOLLGATE_MAIL_FROM=tollgate@example.com
TOLLGATE_PUBLIC_URL=https://ai.example.com"
}
own_stack forgot mailbox
