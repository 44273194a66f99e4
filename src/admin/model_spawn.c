/* SPDX-License-Identifier: MIT */
#include "admin/model_spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_UMASK 0117 /* sockets 0660 */
#define NOT_RUN      127  /* exit status: the program could not be executed */
#define VARIABLES    64   /* more that may pass are left behind */

/* ---- the environment ---- */

/* What a program needs to find its way about, and what steers arithmetic
 * libraries and sanitizers. A name that ends in _ stands for all that begin
 * so. */
static const char *const passed[] = { "ASAN_OPTIONS", "GOTO_NUM_THREADS",
	"HOME", "LANG", "LC_", "LD_LIBRARY_PATH", "LSAN_OPTIONS", "OMP_",
	"OPENBLAS_", "PATH", "TMPDIR", "TSAN_OPTIONS", "TZ", "UBSAN_OPTIONS" };

bool
model_spawn_may_pass(const char *variable)
{
	for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
		size_t n = strlen(passed[i]);

		if (strncmp(variable, passed[i], n) == 0 &&
		    (passed[i][n - 1] == '_' || variable[n] == '='))
			return true;
	}
	return false;
}

static void
select_variables(char *ret[VARIABLES + 1])
{
	size_t n = 0;

	for (char **v = environ; *v && n < VARIABLES; v++)
		if (model_spawn_may_pass(*v))
			ret[n++] = *v;
	ret[n] = NULL;
}

/* ---- the child ---- */

/* Between fork and exec: nothing that could wait for a lock. */
static void
become(const char *const args[], char *const env[], int out, pid_t parent)
{
	struct sigaction normal = { .sa_handler = SIG_DFL };
	static const char words[] = "this program can't be executed\n";
	sigset_t none;
	int null;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it ended just now */
		_exit(NOT_RUN);
	(void)sigemptyset(&none);
	(void)sigaction(SIGPIPE, &normal, NULL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)umask(SOCKET_UMASK);
	null = open("/dev/null", O_RDWR);
	if (dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0)
		_exit(NOT_RUN);
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	(void)execve(args[0], (char *const *)(uintptr_t)args, env);
	(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	_exit(NOT_RUN);
}

enum err
model_spawn(const char *const args[], pid_t *ret_pid, int *ret_fd,
    struct error *e)
{
	pid_t pid, parent = getpid();
	char *env[VARIABLES + 1];
	int out[2];

	select_variables(env);
	if (pipe2(out, O_CLOEXEC) != 0)
		return error_errno(e, ERR_IO, "pipe");
	pid = fork();
	if (pid == 0)
		become(args, env, out[1], parent);
	(void)close(out[1]);
	if (pid < 0) {
		(void)close(out[0]);
		return error_errno(e, ERR_IO, "fork");
	}
	(void)fcntl(out[0], F_SETFL, O_NONBLOCK);
	*ret_pid = pid;
	*ret_fd = out[0];
	return OK;
}
