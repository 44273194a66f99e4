/* SPDX-License-Identifier: MIT */
/*
 * A FastCGI client for tests: sends one request to a unix socket as a web
 * server would, or as none should, and prints what comes back.
 *
 *   fcgi_call [OPTION]... SOCKET [NAME=VALUE]...   body on stdin
 *     -n N      repeat the last NAME=VALUE N times
 *     -w MS     wait between parameters and body
 *     -e MS     wait between body and its end
 *     -c        close instead of ending the body
 *     -q        send nothing but the connection, wait -w, close
 *     -k        ask to keep the connection
 *     -a        as an authorizer, not a responder
 *     -r        print the protocol's end too: "[end]" or "[closed]"
 *     -s        print how many bytes each record of the answer has, not them
 *   fcgi_call -l FD PATH COMMAND...   listen on PATH, run COMMAND with the
 *                                     socket as descriptor FD
 *
 * It must not use anything of src/, nor libfcgi. Protocol: the FastCGI
 * specification, 1.0 (1996).
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	BEGIN = 1,
	END = 3,
	PARAMS = 4,
	STDIN = 5,
	STDOUT = 6,
	STDERR = 7
};

struct options {
	long repeat, wait_ms, end_wait_ms;
	bool is_cut, is_quiet, is_kept, is_raw, is_authorizer, is_sized;
};

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

static void
sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* False when the peer has closed: it may have answered already. */
static bool
put(int fd, const void *p, size_t n)
{
	const char *rest = p;

	while (n > 0) {
		ssize_t got = write(fd, rest, n);

		if (got < 0)
			return false;
		rest += got;
		n -= (size_t)got;
	}
	return true;
}

static bool
put_record(int fd, int type, const void *p, size_t n)
{
	unsigned char head[8] = { 1, (unsigned char)type, 0, 1,
		(unsigned char)(n >> 8), (unsigned char)n, 0, 0 };

	return put(fd, head, sizeof(head)) && put(fd, p, n);
}

static size_t
put_length(unsigned char *to, size_t n)
{
	if (n < 128) {
		to[0] = (unsigned char)n;
		return 1;
	}
	to[0] = (unsigned char)(0x80 | n >> 24);
	to[1] = (unsigned char)(n >> 16);
	to[2] = (unsigned char)(n >> 8);
	to[3] = (unsigned char)n;
	return 4;
}

/* One NAME=VALUE in as many records as it needs. */
static void
put_param(int fd, const char *text)
{
	size_t name_n = strcspn(text, "=");
	const char *value = text[name_n] ? text + name_n + 1 : "";
	size_t value_n = strlen(value);
	unsigned char *p = malloc(name_n + value_n + 8);
	size_t n;

	if (!p)
		die("malloc");
	n = put_length(p, name_n);
	n += put_length(p + n, value_n);
	memcpy(p + n, text, name_n);
	memcpy(p + n + name_n, value, value_n);
	n += name_n + value_n;
	for (size_t at = 0; at < n; at += 65535)
		put_record(fd, PARAMS, p + at, n - at > 65535 ? 65535 : n - at);
	free(p);
}

static bool
put_body(int fd)
{
	static char text[65535];
	size_t n;

	while ((n = fread(text, 1, sizeof(text), stdin)) > 0)
		if (!put_record(fd, STDIN, text, n))
			return false;
	return true;
}

static bool
get(int fd, void *p, size_t n)
{
	char *rest = p;

	while (n > 0) {
		ssize_t got = read(fd, rest, n);

		if (got <= 0)
			return false;
		rest += got;
		n -= (size_t)got;
	}
	return true;
}

/* Print STDOUT, or its records' sizes, until the end; whether it came in
 * order. */
static bool
print_answer(int fd, bool is_sized)
{
	static char text[65535 + 255];
	unsigned char head[8];

	for (;;) {
		size_t n;

		if (!get(fd, head, sizeof(head)))
			return false;
		n = (size_t)head[4] << 8 | head[5];
		if (!get(fd, text, n + head[6]))
			return false;
		if (head[1] == STDOUT && is_sized)
			printf("%zu\n", n);
		else if (head[1] == STDOUT)
			fwrite(text, 1, n, stdout);
		fflush(stdout);
		if (head[1] == STDERR)
			fwrite(text, 1, n, stderr);
		if (head[1] == END)
			return true;
	}
}

static int
connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (strlen(path) >= sizeof(addr.sun_path))
		die("path");
	memcpy(addr.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die("connect");
	return fd;
}

static int
call(const struct options *o, const char *path, char **params, int n_params)
{
	unsigned char begin[8] = { 0, o->is_authorizer ? 2 : 1, o->is_kept, 0,
		0, 0, 0, 0 };
	int fd = connect_to(path);
	bool ended;

	signal(SIGPIPE, SIG_IGN);
	if (o->is_quiet) {
		sleep_ms(o->wait_ms);
		return 0;
	}
	put_record(fd, BEGIN, begin, sizeof(begin));
	for (int i = 0; i < n_params; i++)
		for (long k = i == n_params - 1 ? o->repeat : 1; k > 0; k--)
			put_param(fd, params[i]);
	put_record(fd, PARAMS, "", 0);
	sleep_ms(o->wait_ms);
	put_body(fd);
	sleep_ms(o->end_wait_ms);
	if (o->is_cut)
		shutdown(fd, SHUT_WR);
	else
		put_record(fd, STDIN, "", 0);
	ended = print_answer(fd, o->is_sized);
	if (o->is_raw)
		fputs(ended ? "[end]" : "[closed]", stdout);
	if (o->is_raw && ended && read(fd, begin, 1) == 0)
		fputs("[closed]", stdout);
	return 0;
}

/* Listen on path and run the command with the socket as descriptor fd. */
static int
run_listening(int fd, const char *path, char **command)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int made = socket(AF_UNIX, SOCK_STREAM, 0);

	if (strlen(path) >= sizeof(addr.sun_path))
		die("path");
	memcpy(addr.sun_path, path, strlen(path) + 1);
	if (made < 0 ||
	    bind(made, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(made, 64) < 0)
		die("listen");
	if (made != fd) {
		if (dup2(made, fd) < 0)
			die("dup2");
		close(made);
	}
	execvp(command[0], command);
	die(command[0]);
	return 2;
}

int
main(int argc, char **argv)
{
	struct options o = { .repeat = 1 };
	int c, listen_fd = -1;

	while ((c = getopt(argc, argv, "+n:w:e:cqkarsl:")) != -1) {
		switch (c) {
		case 'n':
			o.repeat = strtol(optarg, NULL, 10);
			break;
		case 'w':
			o.wait_ms = strtol(optarg, NULL, 10);
			break;
		case 'e':
			o.end_wait_ms = strtol(optarg, NULL, 10);
			break;
		case 'c':
			o.is_cut = true;
			break;
		case 'q':
			o.is_quiet = true;
			break;
		case 'k':
			o.is_kept = true;
			break;
		case 'a':
			o.is_authorizer = true;
			break;
		case 'r':
			o.is_raw = true;
			break;
		case 's':
			o.is_sized = true;
			break;
		case 'l':
			listen_fd = (int)strtol(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	argc -= optind;
	argv += optind;
	if (listen_fd >= 0 && argc >= 2)
		return run_listening(listen_fd, argv[0], argv + 1);
	if (listen_fd >= 0 || argc < 1)
		return 2;
	return call(&o, argv[0], argv + 1, argc - 1);
}
