/* SPDX-License-Identifier: MIT */
/* The upstream simulator as a child of one test program, on a unix socket
 * and on a TCP port of its own. It dies with the program. */
#ifndef TG_TESTS_FIXTURE_SIM_H
#define TG_TESTS_FIXTURE_SIM_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fixture_dir.h"

#define FIXTURE_SIM_PROGRAM "tests/support/upstream_sim"

struct fixture_sim {
	struct fixture_dir dir;
	pid_t pid;
	char unix_path[108];
	char tcp_url[64]; /* http://127.0.0.1:port */
};

/* Tests run in the build folder; without the program there is no test. */
static inline void
fixture_sim_start(struct fixture_sim *sim)
{
	char listen_unix[128], ready[128], line[128] = "";

	if (access(FIXTURE_SIM_PROGRAM, X_OK) != 0) {
		puts("1..0 # SKIP no " FIXTURE_SIM_PROGRAM);
		exit(0);
	}
	fixture_dir_make(&sim->dir);
	(void)snprintf(sim->unix_path, sizeof(sim->unix_path), "%s/sim.sock",
	    sim->dir.path);
	(void)snprintf(listen_unix, sizeof(listen_unix), "unix:%s",
	    sim->unix_path);
	(void)snprintf(ready, sizeof(ready), "%s/ready", sim->dir.path);
	sim->pid = fork();
	if (sim->pid == 0) {
		if (!freopen("/dev/null", "w", stdout) ||
		    !freopen("/dev/null", "w", stderr))
			_exit(1);
		execl(FIXTURE_SIM_PROGRAM, "upstream_sim", "--listen",
		    "127.0.0.1:0", "--listen", listen_unix, "--ready-file",
		    ready, "--die-with-parent", (char *)NULL);
		_exit(1);
	}
	for (int i = 0; i < 500 && !strchr(line, '\n'); i++) {
		FILE *f = fopen(ready, "r");

		if (f && !fgets(line, sizeof(line), f))
			line[0] = '\0';
		if (f)
			(void)fclose(f);
		(void)usleep(10000);
	}
	line[strcspn(line, "\n")] = '\0';
	(void)snprintf(sim->tcp_url, sizeof(sim->tcp_url), "http://%.50s",
	    line);
}

static inline void
fixture_sim_stop(struct fixture_sim *sim)
{
	(void)kill(sim->pid, SIGTERM);
	(void)waitpid(sim->pid, NULL, 0);
	fixture_dir_remove(&sim->dir);
}

#endif
