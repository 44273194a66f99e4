/* SPDX-License-Identifier: MIT */
/*
 * Signals, in the main thread only: every thread inherits them blocked.
 * SIGTERM and SIGINT drain and end, SIGHUP reads settings again.
 */
#ifndef TG_DAEMON_SIGNALS_H
#define TG_DAEMON_SIGNALS_H

#include "base/err.h"

enum signals_event {
	SIGNALS_STOP,
	SIGNALS_RELOAD,
};

/** Block all signals but those of faults, and have children that can be waited
 * for, whatever was inherited; before any other thread. */
void signals_init(void);
/** Wait for the next one that means something. */
enum signals_event signals_wait(void);

#endif
