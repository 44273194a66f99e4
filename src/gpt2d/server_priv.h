/* SPDX-License-Identifier: MIT */
/*
 * What the server's files share. The loop (server.c) owns every call; only
 * the wake list is touched by other threads.
 */
#ifndef TG_GPT2D_SERVER_PRIV_H
#define TG_GPT2D_SERVER_PRIV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <microhttpd.h>

#include "gpt2d/reply.h"
#include "gpt2d/server.h"

struct call;
struct route;

struct server {
	struct server_options opts;
	struct MHD_Daemon *mhd;
	int epoll_fd;
	int wake_fd; /* eventfd: the wake list has something */
	int stop_fd; /* eventfd: how often server_stop() was called */
	int64_t created_s;
	bool is_loopback; /* a port, which web pages can reach */
	bool is_draining, is_cut;
	int64_t drain_end_ms; /* monotonic */
	struct client *first_reading, *last_reading;
	struct call *calls;        /* all there are, newest first */
	size_t held_bytes;         /* of their bodies */
	uint32_t n_loading;        /* of them, those that wait for the model */
	pthread_mutex_t wake_lock; /* of what follows */
	struct call *woken, **woken_end;
	bool is_load_over;
};

/* A connection. While a request is on its way it is in the server's list,
 * whose first one has waited longest. */
struct client {
	struct server *server;
	struct MHD_Connection *conn;
	struct call *call; /* whose body is on its way, or NULL */
	struct client *next, *before;
	bool is_reading;
	int64_t until_ms; /* monotonic */
};

enum call_stage {
	CALL_READING,   /* its body */
	CALL_LOADING,   /* waits for the model */
	CALL_ANSWERING, /* its job runs; the answer comes as a whole */
	CALL_STREAMING, /* its job runs, or has run, and events go out */
	CALL_ANSWERED,  /* its response is with libmicrohttpd */
};

/* One request. It lives until its connection is done with it and its job is
 * over, whichever is later. */
struct call {
	struct server *server;
	struct call *next, *before;
	struct MHD_Connection *conn; /* NULL: done with us */
	struct client *client;       /* the same */
	const struct route *route;
	struct arena arena;
	struct buf body;
	size_t held_bytes;       /* of it, counted by the server */
	uint64_t body_bytes;     /* what came, kept or not */
	uint64_t drop_end_bytes; /* of them: the most that is read */
	struct error refusal;    /* code OK: none yet */
	bool is_cut_off;         /* the refusal was sent amid the body */
	enum call_stage stage;
	bool is_suspended;
	bool is_watched; /* its socket, in the loop's epoll set */
	bool has_left;   /* the client */
	bool has_reply;  /* reply is initialised */
	bool is_running; /* reply's job, as far as the loop knows */
	struct completion completion;
	struct prompt prompt;
	struct reply reply;
	int64_t begin_us;
	unsigned status;
	/* under the server's wake_lock */
	struct call *wake_next;
	bool is_woken, is_woken_over;
};

/* ---- call.c ---- */

/* libmicrohttpd's two callbacks. */
enum MHD_Result call_on_request(void *cls, struct MHD_Connection *conn,
    const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_n, void **con_cls);
void call_on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
    enum MHD_RequestTerminationCode code);

/** Go on with a call that waits for the model or for its job. */
void call_resume(struct call *c);
/** The scheduler had news of it; is_over: the last. May free it. */
void call_news(struct call *c, bool is_over);
/** Its client has closed the connection. */
void call_left(struct call *c);
/** Refuse one that waits for the model. */
void call_refuse_loading(struct call *c, const struct error *e);
/** Until call_resume(), or until its client leaves. */
void call_suspend(struct call *c);
/** It waits for the model no more. No effect on one that doesn't. */
void call_end_loading(struct call *c);

/* ---- call_body.c ---- */

/** Make c ready to take one. */
void call_begin_body(struct call *c);
/** The server counts its bytes no more. */
void call_release_body(struct call *c);
/** As its Content-Length says. */
bool call_is_too_long(const struct call *c);
/** Refuse such a one: at once where the client waits for our word. */
enum MHD_Result call_begin_too_long(struct call *c);
/** Keep the next *upload_n bytes, or drop them; sets *upload_n to 0. */
enum MHD_Result call_take_body(struct call *c, const char *upload,
    size_t *upload_n);
/** It is not there in time: 408, unless it has been answered. */
void call_late(struct call *c);

/* ---- call_completion.c ---- */

enum MHD_Result call_begin_completion(struct call *c);
/** Its turn came because the model is there, or not, or the client is gone. */
enum MHD_Result call_go_on_after_load(struct call *c);
/** Its turn came because its job is over: answer. */
enum MHD_Result call_send_whole(struct call *c);

/* ---- call_send.c ---- */

#define CALL_JSON_TYPE "application/json"

/** Value NULL: no effect. */
void call_add_header(struct MHD_Response *r, const char *name,
    const char *value);
/** Copies body. NULL: out of memory, which call_send_response() takes. */
struct MHD_Response *call_json_response(struct str body) ATTR_MUST_CHECK;
/** Takes r over. */
enum MHD_Result call_send_response(struct call *c, unsigned status,
    struct MHD_Response *r);
/** allow: the Allow header's value, or NULL. */
enum MHD_Result call_send_error(struct call *c, const char *allow,
    const struct error *e);
enum MHD_Result call_send_models(struct call *c);
enum MHD_Result call_send_health(struct call *c);

/* ---- client.c ---- */

/* libmicrohttpd's callback. */
void client_on_connection(void *cls, struct MHD_Connection *conn,
    void **context, enum MHD_ConnectionNotificationCode code);
/** NULL: there was no memory for it. */
struct client *client_of(struct MHD_Connection *conn);
/** Its time for a head, or for a body, begins. */
void client_begin_read(struct client *c);
/** The request is there. */
void client_end_read(struct client *c);
/** Until client_cut_late() has something to do; -1: it hasn't. */
int64_t client_wait_ms(const struct server *s);
/** Cut those whose time is over. */
void client_cut_late(struct server *s);

/* ---- route.c ---- */

enum route_id {
	ROUTE_TEXT,
	ROUTE_CHAT,
	ROUTE_MODELS,
	ROUTE_HEALTH
};

struct route {
	enum route_id id;
	const char *method;
	const char *path;
};

/**
 * HEAD finds GET's.
 * Errors: ERR_NOT_FOUND; ERR_METHOD, *ret_allow saying which one.
 */
enum err route_find(const char *method, const char *path,
    const struct route **ret, const char **ret_allow,
    struct error *e) ATTR_MUST_CHECK;

/* ---- server.c ---- */

/** Its descriptor; -1: none any more. */
int server_socket_of(const struct call *c);
/** Watch for the client's leaving; libmicrohttpd does not look at suspended
 * connections. */
void server_watch(struct server *s, struct call *c);
void server_unwatch(struct server *s, struct call *c);
/** reply_wake_fn; ctx is the call. */
void server_wake_call(void *ctx, bool is_over);
/** loader_wake_fn; ctx is the server. */
void server_wake_loaded(void *ctx);

#endif
