/* SPDX-License-Identifier: MIT */
/*
 * What happens to every request exactly once, however it ended: before its
 * last byte goes out (the meter is closed), and after (totals, the log line,
 * what was held is given back).
 */
#ifndef TG_DAEMON_FINISH_H
#define TG_DAEMON_FINISH_H

#include "daemon/turn.h"

void finish_before_last_byte(struct turn *t);
void finish_after(struct turn *t);

#endif
