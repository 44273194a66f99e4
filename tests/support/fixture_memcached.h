/* SPDX-License-Identifier: MIT */
/* A memcached of the test's own, on a unix socket in a private folder. */
#ifndef TG_TESTS_FIXTURE_MEMCACHED_H
#define TG_TESTS_FIXTURE_MEMCACHED_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture_memcached {
	char socket[100];
	pid_t pid;
};

static inline bool
fixture_memcached_answers(const struct fixture_memcached *m)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool is_there;

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", m->socket);
	is_there = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
	(void)close(fd);
	return is_there;
}

/* On m->socket. Returns false where memcached is not installed. */
static inline bool
fixture_memcached_start(struct fixture_memcached *m)
{
	m->pid = fork();
	if (m->pid == 0) {
		/* It must not outlive a test that is killed. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)execlp("memcached", "memcached", "-s", m->socket, "-m",
		    "32", "-t", "2", "-u", "root", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500; i++) {
		if (fixture_memcached_answers(m))
			return true;
		if (waitpid(m->pid, NULL, WNOHANG) == m->pid)
			return false;
		(void)usleep(10000);
	}
	return false;
}

/*
 * Of its statistics the number of that name, as memcached's protocol.txt has
 * them. Returns UINT64_MAX where it can't be asked.
 */
static inline uint64_t
fixture_memcached_stat(const struct fixture_memcached *m, const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	uint64_t value = UINT64_MAX;
	char text[8192], line[64];
	size_t n = 0;

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", m->socket);
	(void)snprintf(line, sizeof(line), "STAT %s ", name);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	    write(fd, "stats\r\n", 7) == 7) {
		const char *at;

		text[0] = '\0';
		while (!strstr(text, "END\r\n") && n < sizeof(text) - 1) {
			ssize_t got = read(fd, text + n, sizeof(text) - 1 - n);

			if (got <= 0)
				break;
			n += (size_t)got;
			text[n] = '\0';
		}
		at = strstr(text, line);
		if (at)
			value = strtoull(at + strlen(line), NULL, 10);
	}
	(void)close(fd);
	return value;
}

static inline void
fixture_memcached_kill(struct fixture_memcached *m)
{
	if (m->pid <= 0)
		return;
	(void)kill(m->pid, SIGKILL);
	(void)waitpid(m->pid, NULL, 0);
	(void)unlink(m->socket);
	m->pid = 0;
}

#endif
