/* SPDX-License-Identifier: MIT */
/*
 * tollgate-gpt2: a local model server. This file is its life from start to
 * end; what a request goes through is in call.c.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "gpt2d/generate.h"
#include "gpt2d/options.h"
#include "gpt2d/server.h"

#define EXIT_USAGE 2

struct program {
	struct options options;
	struct loader_options loader_options;
	struct vocabulary vocabulary;
	struct loader *loader;
	struct listen listen;
	struct server *server;
};

/* For the signal handler, which has no argument of ours. */
static struct server *serving;

static void
on_signal(int number)
{
	(void)number;
	server_stop(serving);
}

/* Threads that libraries start before main() would not know of a mask, so
 * signals have a handler, in whichever thread. */
static void
handle_signals(struct server *s)
{
	const struct sigaction stop = {
		.sa_handler = on_signal,
		.sa_flags = SA_RESTART,
	};

	serving = s;
	(void)sigaction(SIGTERM, &stop, NULL); /* valid numbers */
	(void)sigaction(SIGINT, &stop, NULL);
}

/* The server goes; whoever asks again has what he wants. */
static void
ignore_signals(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)sigaction(SIGTERM, &ignore, NULL);
	(void)sigaction(SIGINT, &ignore, NULL);
}

/* No core files, which would hold prompts; as many descriptors as allowed. */
static void
prepare_process(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct rlimit none = { 0, 0 }, files;

	(void)setrlimit(RLIMIT_CORE, &none);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files); /* best effort */
	}
	(void)sigaction(SIGPIPE, &ignore, NULL);
}

/* Answers don't need it: that it can't be written is only said. */
static void
write_tokenizer(const struct program *p)
{
	struct error e;

	if (p->options.tokenizer_file &&
	    vocabulary_write(&p->vocabulary, p->options.tokenizer_file, &e))
		log_error("tokenizer_not_written", &e);
}

static enum err
start_loader(struct program *p, struct error *e)
{
	const struct options *o = &p->options;
	enum err err = vocabulary_init(&p->vocabulary, o->dir, e);

	if (!err)
		err = gpt2_model_check(o->dir, e);
	if (err)
		return err;
	write_tokenizer(p);
	p->loader_options = (struct loader_options){
		.dir = o->dir,
		.precision = o->precision,
		.scheduler = {
			.n_threads = (uint32_t)o->n_threads,
			.batch_max = o->mode == OPTIONS_GENERATE
					 ? 1
					 : (uint32_t)o->batch_max,
			.queue_max = o->mode == OPTIONS_GENERATE
					 ? 1
					 : (uint32_t)o->queue_max,
		},
		.vocabulary = &p->vocabulary,
	};
	err = loader_new(&p->loader_options, &p->loader, e);
	if (!err && (o->is_preloaded || o->mode == OPTIONS_GENERATE))
		err = loader_run(p->loader, e);
	return err;
}

static enum err
start_server(struct program *p, struct error *e)
{
	const struct options *o = &p->options;
	struct server_options so = {
		.listen = &p->listen,
		.loader = p->loader,
		.vocabulary = &p->vocabulary,
		.model = o->model_name,
		.batch_max = (uint32_t)o->batch_max,
		.queue_max = (uint32_t)o->queue_max,
		.drain_ms = (int64_t)o->drain_s * 1000,
		.read_ms = SERVER_READ_MS,
		.bodies_max_bytes = SERVER_BODIES_BYTES,
	};
	enum err err = o->socket ? listen_unix(o->socket, &p->listen, e)
				 : listen_loopback(o->address, &p->listen, e);

	if (!err)
		err = server_new(&so, &p->server, e);
	return err;
}

static enum err
serve(struct program *p, struct error *e)
{
	enum err err = start_server(p, e);

	if (err)
		return err;
	handle_signals(p->server);
	log_event(LOG_LEVEL_INFO, "started", "version %s, %s", PACKAGE_VERSION,
	    p->listen.name);
	server_run(p->server);
	ignore_signals();
	log_event(LOG_LEVEL_INFO, "stopped", "every job has ended");
	/* A load can't be broken off; there is nothing it could lose. */
	if (loader_state(p->loader) == LOADER_BUSY)
		_exit(EXIT_SUCCESS);
	return OK;
}

static enum err
complete(struct program *p, struct error *e)
{
	struct engine engine = loader_engine(p->loader);
	enum err err = generate(&p->options, &p->vocabulary, &engine, stdout,
	    e);

	if (!err && (putchar('\n') == EOF || fflush(stdout) == EOF))
		err = error_set(e, ERR_IO, "the output is not written");
	return err;
}

static int
run(struct program *p)
{
	struct error e;
	enum err err;

	error_clear(&e);
	log_init(false,
	    p->options.mode == OPTIONS_GENERATE ? LOG_LEVEL_ERROR
						: p->options.log_level,
	    "tollgate-gpt2");
	err = start_loader(p, &e);
	if (!err)
		err = p->options.mode == OPTIONS_GENERATE ? complete(p, &e)
							  : serve(p, &e);
	if (err)
		(void)fprintf(stderr, "tollgate-gpt2: %s\n",
		    e.internal[0]      ? e.internal
		    : e.public_text[0] ? e.public_text
				       : err_info(e.code)->public_text);
	loader_free(p->loader);
	server_free(p->server);
	listen_unlink(&p->listen);
	vocabulary_fini(&p->vocabulary);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	struct program p = { .listen = { .fd = -1 } };
	struct error e;

	if (options_read(argc, argv, &p.options, &e)) {
		(void)fprintf(stderr,
		    "tollgate-gpt2: %s (see tollgate-gpt2 --help)\n",
		    e.internal);
		return EXIT_USAGE;
	}
	if (p.options.mode == OPTIONS_HELP ||
	    p.options.mode == OPTIONS_VERSION) {
		(void)fputs(p.options.mode == OPTIONS_HELP
				? options_help
				: "tollgate-gpt2 " PACKAGE_VERSION "\n",
		    stdout);
		return EXIT_SUCCESS;
	}
	prepare_process();
	return run(&p);
}
