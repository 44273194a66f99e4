/* SPDX-License-Identifier: MIT */
/*
 * A FastCGI program that shows what a web server does with requests: what
 * it passes, when it passes it, and how soon it tells that the client has
 * left.  tests/wire/httpd_conf.t runs it in the worker's place, behind the
 * files of httpd-conf/.  It must not use anything of src/, so that those
 * files are proved apart from the worker.
 */
#include <fcgiapp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PROBE_THREADS_MAX 512
#define PROBE_STACK_BYTES ((size_t)256 * 1024)
#define SUM_START         2166136261u

static int listen_fd;

static int64_t
clock_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

/* The number after "name=" in a query, or fallback. */
static long
query_number(const char *uri, const char *name, long fallback)
{
	const char *at = strpbrk(uri, "?&");
	size_t n = strlen(name);

	while (at) {
		if (!strncmp(at + 1, name, n) && at[n + 1] == '=')
			return (strtol(at + n + 2, NULL, 10));
		at = strpbrk(at + 1, "?&");
	}
	return (fallback);
}

static void
answer_head(FCGX_Request *rq, const char *status, const char *type)
{
	FCGX_FPrintF(rq->out,
	    "Status: %s\r\nContent-Type: %s\r\nX-Probe: 1\r\n\r\n", status,
	    type);
}

/* One line for each parameter that the web server sent. */
static void
answer_env(FCGX_Request *rq)
{
	char **p;

	answer_head(rq, "200 OK", "text/plain");
	for (p = rq->envp; *p; p++)
		FCGX_FPrintF(rq->out, "%s\n", *p);
	FCGX_FPrintF(rq->out, "PROBE_PID=%d\n", (int)getpid());
	FCGX_FPrintF(rq->out, "PROBE_THREADS=%s\n",
	    getenv("TOLLGATE_THREADS") ? getenv("TOLLGATE_THREADS") : "");
	FCGX_FPrintF(rq->out, "PROBE_CONFIG=%s\n",
	    getenv("TOLLGATE_CONFIG") ? getenv("TOLLGATE_CONFIG") : "");
}

/* FNV-1a, 32 bits, continued over n bytes. */
static uint32_t
sum_add(uint32_t sum, const unsigned char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		sum = (sum ^ p[i]) * 16777619u;
	return (sum);
}

/* "fcgi_probe sum": the sum of standard input, to compare with. */
static int
print_sum(void)
{
	unsigned char part[8192];
	uint32_t sum = SUM_START;
	size_t n;

	while ((n = fread(part, 1, sizeof(part), stdin)) > 0)
		sum = sum_add(sum, part, n);
	return (printf("%08x\n", sum) < 0);
}

/* Reads the body to its end; says its length and its sum. */
static void
answer_body(FCGX_Request *rq)
{
	unsigned char part[8192];
	unsigned long long total = 0;
	uint32_t sum = SUM_START;
	int n;

	while ((n = FCGX_GetStr((char *)part, sizeof(part), rq->in)) > 0) {
		total += (unsigned long long)n;
		sum = sum_add(sum, part, (size_t)n);
	}
	answer_head(rq, "200 OK", "text/plain");
	FCGX_FPrintF(rq->out, "bytes=%llu sum=%08x length=%s\n", total, sum,
	    FCGX_GetParam("CONTENT_LENGTH", rq->envp)
		? FCGX_GetParam("CONTENT_LENGTH", rq->envp)
		: "");
}

/* n events, ms apart, each flushed by itself. */
static void
answer_events(FCGX_Request *rq, const char *uri)
{
	long n = query_number(uri, "n", 5), i;
	long ms = query_number(uri, "ms", 200);

	answer_head(rq, "200 OK", "text/event-stream");
	FCGX_FFlush(rq->out);
	for (i = 1; i <= n; i++) {
		if (ms > 0)
			(void)poll(NULL, 0, (int)ms);
		FCGX_FPrintF(rq->out, "data: %d\n\n", (int)i);
		FCGX_FFlush(rq->out);
		if (FCGX_GetError(rq->out))
			break;
	}
}

/*
 * Sends one event and waits for the client to leave, as a worker does while
 * its upstream is silent.  Writes "gone" or "stayed" and the wall clock
 * into the file named by PROBE_LOG.
 */
static void
answer_wait(FCGX_Request *rq, const char *uri)
{
	int64_t until = clock_ms(CLOCK_MONOTONIC) +
			query_number(uri, "ms", 5000);
	const char *seen = "stayed", *path = getenv("PROBE_LOG");
	struct pollfd pfd = { .fd = rq->ipcFd, .events = POLLIN | POLLRDHUP };
	char byte;
	FILE *log;

	answer_head(rq, "200 OK", "text/event-stream");
	FCGX_FPrintF(rq->out, "data: waiting\n\n");
	FCGX_FFlush(rq->out);
	while (clock_ms(CLOCK_MONOTONIC) < until) {
		if (poll(&pfd, 1, 20) <= 0)
			continue;
		if ((pfd.revents & (POLLHUP | POLLERR)) ||
		    recv(rq->ipcFd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
			seen = "gone";
			break;
		}
	}
	log = path ? fopen(path, "a") : NULL;
	if (log) {
		fprintf(log, "%s %lld\n", seen,
		    (long long)clock_ms(CLOCK_REALTIME));
		fclose(log);
	}
}

static void
answer(FCGX_Request *rq)
{
	const char *uri = FCGX_GetParam("REQUEST_URI", rq->envp);

	if (!uri)
		uri = "";
	/* To the process's own stderr, as the worker logs. */
	(void)fprintf(stderr, "probe: %s\n", uri);
	if (!strncmp(uri, "/probe/body", 11))
		answer_body(rq);
	else if (!strncmp(uri, "/probe/events", 13))
		answer_events(rq, uri);
	else if (!strncmp(uri, "/probe/wait", 11))
		answer_wait(rq, uri);
	else
		answer_env(rq);
}

static void *
serve(void *unused)
{
	FCGX_Request rq;

	(void)unused;
	FCGX_InitRequest(&rq, listen_fd, 0);
	while (FCGX_Accept_r(&rq) >= 0) {
		answer(&rq);
		FCGX_Finish_r(&rq);
	}
	return (NULL);
}

/* The socket the web server gave as descriptor 0, or one of our own. */
static int
open_listener(void)
{
	const char *path = getenv("TOLLGATE_LISTEN_SOCKET");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (!path || !*path)
		return (0);
	if (strlen(path) >= sizeof(sun.sun_path))
		return (-1);
	memcpy(sun.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	(void)unlink(path);
	(void)umask(0117);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) ||
	    listen(fd, 1024))
		return (-1);
	return (fd);
}

int
main(int argc, char **argv)
{
	const char *text = getenv("TOLLGATE_THREADS");
	long n = text ? strtol(text, NULL, 10) : 1, i;
	pthread_attr_t attr;
	pthread_t thread;

	if (argc > 1 && !strcmp(argv[1], "sum"))
		return (print_sum());
	(void)setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "100", 0);
	if (FCGX_Init())
		return (1);
	/* libfcgi takes SIGTERM for its own; the probe needs no drain. */
	(void)signal(SIGTERM, SIG_DFL);
	listen_fd = open_listener();
	if (listen_fd < 0 || n < 1 || n > PROBE_THREADS_MAX)
		return (1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PROBE_STACK_BYTES);
	for (i = 1; i < n; i++)
		if (pthread_create(&thread, &attr, serve, NULL))
			return (1);
	(void)serve(NULL);
	return (0);
}
