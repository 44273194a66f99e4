/* SPDX-License-Identifier: MIT */
/*
 * upstream_sim: an OpenAI-compatible model server without a model, for the
 * tests, the benchmark and the first start.  It must never be what is
 * measured, and it misbehaves on request: upstream_sim_words.def lists how.
 * This file: options, sockets, threads, the end.
 */
#include "upstream_sim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define THREADS_MAX     64u
#define CONNECTIONS_MAX 1000000u
#define BACKLOG         4096
#define LISTEN_MAX      8
#define BODY_MAX        67108864u /* bytes of a request body, default */

static const char usage_text[] =
    "usage: upstream_sim --listen ADDRESS [--listen ADDRESS]... [options]\n"
    "\n"
    "An OpenAI-compatible server without a model, for tests and "
    "benchmarks.\n"
    "\n"
    "  --listen IPV4:PORT     TCP; port 0 takes a free one\n"
    "  --listen unix:PATH     a unix socket; a dead one is replaced\n"
    "  --threads N            event loops (1)\n"
    "  --max-connections N    more are closed at once (20000)\n"
    "  --max-body BYTES       larger requests get 413 (67108864)\n"
    "  --ready-file PATH      write the addresses here once listening\n"
    "  --die-with-parent      end when the starting process does\n"
    "  --help                 this text\n"
    "\n"
    "Routes, matched at the path's end:\n"
    "  POST /v1/chat/completions, /v1/completions, /v1/embeddings,\n"
    "       /v1/responses, as OpenAI has them\n"
    "  POST /v1/messages, /v1/messages/count_tokens, as Anthropic has them\n"
    "  POST /generate, as text-generation-inference has it; the words that\n"
    "       say how to answer are the first of its prompt\n"
    "  GET  /v1/models, /healthz\n"
    "  GET  /__sim/stats   counters as JSON\n"
    "  GET  /__sim/last    the last inference request as received: request\n"
    "                      line, headers, empty line, body (a chunked\n"
    "                      upload's body without its framing)\n"
    "  POST /__sim/reset   all counters to zero\n"
    "\n"
    "The model's name, or the header x-sim if there is one, says how to\n"
    "answer: words joined by \"+\", numbers behind colons, for example\n"
    "sim-pace:20:50+crlf+no-usage. A name without \"sim-\" in front gets the\n"
    "default; an unknown word gets 404. prompt_tokens counts the white-space\n"
    "separated words of all texts in the prompt, completion_tokens the words\n"
    "of the answer; max_tokens and max_completion_tokens cut it. An embedding\n"
    "has 8 floats. Ids and times are the same in each run. K counts content\n"
    "events, without the opening one.\n"
    "\n";

struct setup {
	struct sim sim;
	const char *listen[LISTEN_MAX];
	const char *ready_file;
	bool dies_with_parent;
};

static int
fail(const char *what)
{
	perror(what);
	return -1;
}

static int
listen_unix(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct stat st;

	if (strlen(path) >= sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		return fail(path);
	}
	memcpy(sa.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("socket");
	if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path); /* bind tells when it is still there */
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
	    listen(fd, BACKLOG) != 0)
		return fail(path);
	return fd;
}

static int
listen_tcp(const char *address)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	const char *colon = strrchr(address, ':');
	char host[INET_ADDRSTRLEN] = "";
	uint64_t port = 0;
	int one = 1;

	size_t n = colon ? (size_t)(colon - address) : sizeof(host);
	if (n < sizeof(host))
		memcpy(host, address, n);
	if (!colon || inet_pton(AF_INET, host, &sa.sin_addr) != 1 ||
	    !slice_u64((struct slice){ colon + 1, strlen(colon + 1) }, 65535,
		&port)) {
		errno = EINVAL;
		return fail(address);
	}
	sa.sin_port = htons((uint16_t)port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
	    listen(fd, BACKLOG) != 0)
		return fail(address);
	return fd;
}

/* The address really listened on, one line. */
static void
say_address(FILE *out, const char *address, int fd)
{
	struct sockaddr_in sa;
	socklen_t n = sizeof(sa);
	char host[INET_ADDRSTRLEN];

	if (strncmp(address, "unix:", 5) == 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &n) != 0 ||
	    !inet_ntop(AF_INET, &sa.sin_addr, host, sizeof(host)))
		(void)fprintf(out, "%s\n", address);
	else
		(void)fprintf(out, "%s:%u\n", host,
		    (unsigned)ntohs(sa.sin_port));
}

static bool
open_listeners(struct setup *s)
{
	struct sim *sim = &s->sim;

	for (size_t i = 0; i < sim->n_listen; i++) {
		const char *a = s->listen[i];
		sim->listen_fd[i] = strncmp(a, "unix:", 5) == 0
					? listen_unix(a + 5)
					: listen_tcp(a);
		if (sim->listen_fd[i] < 0)
			return false;
	}
	return true;
}

static bool
say_ready(const struct setup *s)
{
	FILE *out = stdout;

	for (int round = 0; round < 2 && out; round++) {
		for (size_t i = 0; i < s->sim.n_listen; i++) {
			if (!round)
				(void)fputs("listening on ", out);
			say_address(out, s->listen[i], s->sim.listen_fd[i]);
		}
		(void)fflush(out); /* a closed stdout is no failure */
		if (round)
			return fclose(out) == 0;
		if (!s->ready_file)
			return true;
		out = fopen(s->ready_file, "w");
	}
	return fail(s->ready_file) == 0;
}

static bool
watch(struct sim *sim, int epoll_fd, int fd, void *ptr)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = ptr };

	(void)sim;
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static bool
start_threads(struct sim *sim)
{
	sim->threads = calloc(sim->opt.n_threads, sizeof(*sim->threads));
	if (!sim->threads)
		return fail("calloc") == 0;
	for (size_t i = 0; i < sim->opt.n_threads; i++) {
		struct sim_thread *th = &sim->threads[i];
		th->sim = sim;
		th->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
		th->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (th->epoll_fd < 0 || th->wake_fd < 0 ||
		    pthread_mutex_init(&th->last_lock, NULL) != 0 ||
		    pthread_mutex_init(&th->conns_lock, NULL) != 0 ||
		    !watch(sim, th->epoll_fd, th->wake_fd, NULL))
			return fail("epoll") == 0;
	}
	for (size_t i = 0; i < sim->n_listen; i++) {
		if (!watch(sim, sim->threads[0].epoll_fd, sim->listen_fd[i],
			sim))
			return fail("epoll_ctl") == 0;
	}
	for (size_t i = 0; i < sim->opt.n_threads; i++) {
		if (pthread_create(&sim->threads[i].id, NULL, sim_loop,
			&sim->threads[i]) != 0)
			return fail("pthread_create") == 0;
	}
	return true;
}

static void
stop_threads(struct setup *s)
{
	struct sim *sim = &s->sim;
	uint64_t one = 1;

	atomic_store(&sim->stops, true);
	for (size_t i = 0; i < sim->opt.n_threads; i++) {
		/* an eventfd takes 2^64 - 2 of these before it blocks */
		(void)!write(sim->threads[i].wake_fd, &one, sizeof(one));
		(void)pthread_join(sim->threads[i].id, NULL);
	}
	for (size_t i = 0; i < sim->opt.n_threads; i++)
		sim_loop_fini(&sim->threads[i]);
	free(sim->threads);
	for (size_t i = 0; i < sim->n_listen; i++) {
		if (strncmp(s->listen[i], "unix:", 5) == 0)
			(void)unlink(s->listen[i] + 5);
	}
}

static void
raise_fd_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl); /* as many as may be */
	}
}

static bool
read_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v;

	if (!slice_u64((struct slice){ text, strlen(text) }, max, &v) ||
	    v < min) {
		(void)fprintf(stderr, "upstream_sim: bad number: %s\n", text);
		return false;
	}
	*ret = v;
	return true;
}

static void
print_help(void)
{
	struct sbuf b = { 0 };

	sbuf_add(&b, usage_text, sizeof(usage_text) - 1);
	sim_words_help(&b);
	(void)fwrite(b.p, 1, b.n, stdout);
	sbuf_fini(&b);
}

enum {
	OPT_LISTEN,
	OPT_THREADS,
	OPT_CONNECTIONS,
	OPT_BODY,
	OPT_READY,
	OPT_DIE,
	OPT_HELP
};

static const struct option options[] = {
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "max-connections", required_argument, NULL, OPT_CONNECTIONS },
	{ "max-body", required_argument, NULL, OPT_BODY },
	{ "ready-file", required_argument, NULL, OPT_READY },
	{ "die-with-parent", no_argument, NULL, OPT_DIE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

/* One option; false: usage error. */
static bool
take_option(struct setup *s, int which)
{
	struct sim_options *opt = &s->sim.opt;
	uint64_t n;

	switch (which) {
	case OPT_LISTEN:
		if (s->sim.n_listen == LISTEN_MAX)
			return false;
		s->listen[s->sim.n_listen++] = optarg;
		return true;
	case OPT_THREADS:
		if (!read_number(optarg, 1, THREADS_MAX, &n))
			return false;
		opt->n_threads = (size_t)n;
		return true;
	case OPT_CONNECTIONS:
		return read_number(optarg, 1, CONNECTIONS_MAX,
		    &opt->connections_max);
	case OPT_BODY:
		return read_number(optarg, 1, 1u << 30, &opt->body_max);
	case OPT_READY:
		s->ready_file = optarg;
		return true;
	case OPT_DIE:
		s->dies_with_parent = true;
		return true;
	case OPT_HELP:
		print_help();
		exit(0);
	default:
		return false;
	}
}

static bool
take_options(struct setup *s, int argc, char **argv)
{
	int which;

	while ((which = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (!take_option(s, which))
			return false;
	}
	return optind == argc && s->sim.n_listen;
}

int
main(int argc, char **argv)
{
	struct setup s = { .sim.opt = { .n_threads = 1,
			       .connections_max = 20000,
			       .body_max = BODY_MAX } };
	sigset_t ending;
	int got;

	if (!take_options(&s, argc, argv)) {
		(void)fputs("upstream_sim: see upstream_sim --help\n", stderr);
		return 2;
	}
	if (s.dies_with_parent)
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* can't fail */
	raise_fd_limit();
	(void)sigemptyset(&ending);
	(void)sigaddset(&ending, SIGTERM);
	(void)sigaddset(&ending, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &ending, NULL);
	if (!open_listeners(&s) || !start_threads(&s.sim) || !say_ready(&s))
		return 1;
	(void)sigwait(&ending, &got);
	stop_threads(&s);
	return 0;
}
