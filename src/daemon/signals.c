/* SPDX-License-Identifier: MIT */
#include "daemon/signals.h"

#include <pthread.h>
#include <signal.h>

void
signals_init(void)
{
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	sigset_t all;

	/* Ignored by whoever started us, children would be gone before we ask
	 * how they ended. */
	(void)sigaction(SIGCHLD, &normal, NULL); /* valid number */
	sigfillset(&all);
	/* Raised by our own faults: blocked, they would end us unseen. */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	(void)pthread_sigmask(SIG_SETMASK, &all, NULL); /* cannot fail */
}

enum signals_event
signals_wait(void)
{
	sigset_t wanted;
	int sig;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGHUP);
	for (;;) {
		if (sigwait(&wanted, &sig) != 0)
			continue;
		return sig == SIGHUP ? SIGNALS_RELOAD : SIGNALS_STOP;
	}
}
