/* SPDX-License-Identifier: MIT */
#include "ext/sendmail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define WORDS_MAX  16  /* of the command */
#define SAID_MAX   160 /* last words that are kept */
#define LOOK_MS    20  /* how often its end is looked for */
#define PIPE_READS (65536 / 512)

/* ---- the command ---- */

/* The words of command in a, at most WORDS_MAX. */
static enum err
split(const char *command, struct arena *a, char *ret[WORDS_MAX], size_t *ret_n,
    struct error *e)
{
	struct str rest = str_from(command), word;

	*ret_n = 0;
	while (str_split(&rest, ' ', &word)) {
		if (word.n == 0)
			continue;
		if (*ret_n == WORDS_MAX)
			return error_set(e, ERR_CONFIG,
			    "mail.sendmail has more than %d words", WORDS_MAX);
		ret[*ret_n] = (char *)(uintptr_t)arena_cstr(a, word);
		if (!ret[*ret_n])
			return error_arena(e, a);
		++*ret_n;
	}
	if (*ret_n == 0 || ret[0][0] != '/')
		return error_set(e, ERR_CONFIG,
		    "mail.sendmail must begin with a program's whole path");
	return OK;
}

enum err
sendmail_check(const char *command, struct error *e)
{
	char *words[WORDS_MAX];
	struct arena a;
	size_t n;
	enum err err;

	arena_init(&a, KIB(8));
	err = split(command, &a, words, &n, e);
	if (!err && access(words[0], X_OK) != 0)
		err = error_set(e, ERR_CONFIG, "%s can't be run: %s", words[0],
		    errno == ENOENT ? "it is not there" : "no right to");
	arena_fini(&a);
	return err;
}

/* ---- the process ---- */

/* Settings may be given as variables, secrets among them: it gets none of
 * ours, but what finds its home. */
static void
select_variables(char *ret[4])
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	size_t n = 0;

	ret[n++] = path;
	for (char **v = environ; *v && n < 3; v++)
		if (strncmp(*v, "HOME=", 5) == 0 || strncmp(*v, "TZ=", 3) == 0)
			ret[n++] = *v;
	ret[n] = NULL;
}

/* A file without a name, at its beginning: it neither blocks nor breaks as a
 * pipe does. */
static int
message_file(struct str message)
{
	int fd = memfd_create("message", MFD_CLOEXEC);
	size_t at = 0;

	while (fd >= 0 && at < message.n) {
		ssize_t n = write(fd, message.p + at, message.n - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			(void)close(fd);
			return -1;
		}
		at += (size_t)n;
	}
	if (fd >= 0 && lseek(fd, 0, SEEK_SET) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* A group of its own, so that whatever it starts ends with it; signals as a
 * program expects them. */
static int
spawn(char *const args[], int in, int out, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, normal;
	char *env[4];
	int rc;

	select_variables(env);
	(void)sigemptyset(&none);
	(void)sigemptyset(&normal);
	(void)sigaddset(&normal, SIGPIPE);
	rc = posix_spawn_file_actions_init(&files);
	if (rc)
		return rc;
	rc = posix_spawnattr_init(&attr);
	if (rc) {
		(void)posix_spawn_file_actions_destroy(&files);
		return rc;
	}
	rc = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&files, out,
		    STDOUT_FILENO);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&files, out,
		    STDERR_FILENO);
	if (!rc)
		rc = posix_spawnattr_setsigmask(&attr, &none);
	if (!rc)
		rc = posix_spawnattr_setsigdefault(&attr, &normal);
	if (!rc)
		rc = posix_spawnattr_setpgroup(&attr, 0);
	if (!rc)
		rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
							 POSIX_SPAWN_SETSIGDEF |
							 POSIX_SPAWN_SETPGROUP);
	if (!rc)
		rc = posix_spawn(ret, args[0], &files, &attr, args, env);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	return rc;
}

struct said {
	char text[SAID_MAX];
	size_t n;
};

/* What it writes, for at most wait_ms; the last words stay. Whether there was
 * anything. */
static bool
listen(int fd, int wait_ms, struct said *s)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char got[512];
	ssize_t n;

	if (poll(&pfd, 1, wait_ms) <= 0)
		return false;
	n = read(fd, got, sizeof(got));
	if (n <= 0) { /* closed before its end, which is near */
		(void)poll(NULL, 0, wait_ms);
		return false;
	}
	if ((size_t)n >= SAID_MAX) {
		memcpy(s->text, got + n - SAID_MAX, SAID_MAX);
		s->n = SAID_MAX;
		return true;
	}
	if (s->n + (size_t)n > SAID_MAX) {
		size_t over = s->n + (size_t)n - SAID_MAX;

		memmove(s->text, s->text + over, s->n - over);
		s->n -= over;
	}
	memcpy(s->text + s->n, got, (size_t)n);
	s->n += (size_t)n;
	return true;
}

static bool
is_over(pid_t pid, int *ret_status)
{
	return waitpid(pid, ret_status, WNOHANG) == pid;
}

static enum err
wait_for(const struct sendmail *s, pid_t pid, int fd, struct said *said,
    int *ret_status, struct error *e)
{
	int64_t end_ms = clock_mono_ms() + s->timeout_ms;
	enum err err = OK;

	while (!is_over(pid, ret_status)) {
		if (s->is_stopping && atomic_load(s->is_stopping))
			err = error_set(e, ERR_SHUTTING_DOWN, "sendmail: cut");
		else if (clock_mono_ms() >= end_ms)
			err = error_set(e, ERR_UPSTREAM_TIMEOUT,
			    "sendmail did not end in %lld s",
			    (long long)s->timeout_ms / 1000);
		if (err) {
			(void)kill(-pid, SIGKILL);
			while (
			    waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
				continue;
			return err;
		}
		(void)listen(fd, LOOK_MS, said);
	}
	return OK;
}

static enum err
judge(int status, const struct said *said, struct error *e)
{
	struct str words = str_trim(str_make(said->text, said->n));

	while (words.n && words.p[words.n - 1] == '\n')
		words.n--;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return OK;
	if (WIFEXITED(status))
		return error_set(e, ERR_IO,
		    "sendmail: exit status %d%s%" PRI_STR, WEXITSTATUS(status),
		    words.n ? ": " : "", STR_ARG(words));
	return error_set(e, ERR_IO, "sendmail: ended by signal %d",
	    WTERMSIG(status));
}

static enum err
run(const struct sendmail *s, char *const args[], int in, struct error *e)
{
	struct said said = { .n = 0 };
	int out[2], rc, status = 0;
	pid_t pid;
	enum err err;

	if (pipe2(out, O_CLOEXEC) != 0)
		return error_errno(e, ERR_IO, "pipe");
	rc = spawn(args, in, out[1], &pid);
	(void)close(out[1]);
	if (rc) {
		(void)close(out[0]);
		errno = rc;
		return error_errno(e, ERR_CONFIG, "%s", args[0]);
	}
	err = wait_for(s, pid, out[0], &said, &status, e);
	/* What it said at its end: what a pipe holds, and no more, as what it
	 * started may still write. */
	for (int i = 0; !err && i < PIPE_READS; i++)
		if (!listen(out[0], 0, &said))
			break;
	(void)close(out[0]);
	return err ? err : judge(status, &said, e);
}

enum err
sendmail_run(const struct sendmail *s, struct arena *a, struct error *e)
{
	char *args[WORDS_MAX + 3 + SENDMAIL_RECIPIENTS_MAX + 1];
	static char flag[] = "-f", end[] = "--";
	size_t n = 0;
	int in;
	enum err err = split(s->command, a, args, &n, e);

	if (err)
		return err;
	ASSERT(
	    s->n_recipients > 0 && s->n_recipients <= SENDMAIL_RECIPIENTS_MAX);
	args[n++] = flag;
	args[n++] = (char *)(uintptr_t)s->from;
	args[n++] = end;
	for (size_t i = 0; i < s->n_recipients; i++)
		args[n++] = (char *)(uintptr_t)s->recipients[i];
	args[n] = NULL;
	in = message_file(s->message);
	if (in < 0)
		return error_errno(e, ERR_IO, "memfd_create");
	err = run(s, args, in, e);
	(void)close(in);
	return err;
}
