/* SPDX-License-Identifier: MIT */
/*
 * The upstream simulator's own types.  One thread owns a connection from
 * accept to close; nothing but the counters and the last request is shared.
 * What the words mean is in upstream_sim_words.def.
 */
#ifndef TG_SUPPORT_UPSTREAM_SIM_H
#define TG_SUPPORT_UPSTREAM_SIM_H

#include <pthread.h>
#include <stdatomic.h>

#include "jscan.h"
#include "sbuf.h"

#define SIM_HEAD_MAX    65536u     /* bytes of request line and headers */
#define SIM_HEADERS_MAX 128u       /* header lines of a request */
#define SIM_WORDS_MAX   1000000u   /* words or events of one answer */
#define SIM_HUGE_MAX    67108864u  /* bytes of one event */
#define SIM_CHOICES_MAX 128u       /* OpenAI's own limit of n */
#define SIM_DELAY_MAX   86400000u  /* ms, one day */
#define SIM_LATE_US     2000u      /* a timer this late is a late one */
#define SIM_OUT_HIGH    65536u     /* stop generating above this backlog */
#define SIM_NEVER       UINT64_MAX /* an event number that isn't reached */

enum sim_route {
	ROUTE_CHAT,
	ROUTE_COMPLETION,
	ROUTE_EMBEDDING,
	ROUTE_RESPONSE, /* OpenAI's */
	ROUTE_MESSAGE,  /* Anthropic's */
	ROUTE_COUNT,    /* its count_tokens */
	ROUTE_GENERATE, /* text-generation-inference's */
	ROUTE_MODELS,
	ROUTE_HEALTH,
	ROUTE_STATS,
	ROUTE_LAST,
	ROUTE_RESET,
	ROUTE_NONE,
	ROUTE_N
};

/** One HTTP request, as slices of the connection's input buffer. */
struct sim_request {
	const char *base; /* where the input stood when the head was parsed */
	size_t head_n;    /* bytes up to and with the empty line, or 0 */
	size_t scanned;   /* bytes already searched for the empty line */
	size_t raw_n;     /* bytes the request takes in the input */
	struct slice method;
	struct slice target;
	struct slice words; /* value of the header x-sim */
	struct slice body;
	uint64_t length;
	size_t chunk_at; /* chunked upload: where the next chunk starts */
	size_t body_n;   /* chunked upload: bytes decoded so far */
	bool chunked;
	bool expects_continue;
	bool http10;
	bool wants_close;
	enum sim_route route;
};

/** What an inference request asks for. */
struct sim_call {
	struct slice model; /* raw JSON text without its quotes */
	struct slice echo;  /* the last message or prompt, raw */
	struct slice input; /* embeddings: the value of "input" */
	bool has_messages;
	bool stream;
	bool include_usage;
	bool base64;
	uint64_t n;          /* choices */
	uint64_t max_tokens; /* SIM_NEVER when not given */
	uint64_t prompt_words;
};

enum sim_body {
	BODY_MODEL, /* a proper answer */
	BODY_ERROR, /* OpenAI's error object with plan.status */
	BODY_HTML,
	BODY_GARBAGE,
	BODY_EMPTY,
	BODY_REDIRECT
};

enum sim_usage {
	USAGE_EXACT,
	USAGE_NONE,
	USAGE_DUP,
	USAGE_EACH,
	USAGE_EARLY,
	USAGE_NEGATIVE,
	USAGE_FRACTION,
	USAGE_HUGE,
	USAGE_STRING,
	USAGE_NULL,
	USAGE_ZERO,
	USAGE_PARTIAL
};

enum sim_sse {
	SSE_CRLF = 1,
	SSE_CR = 2,
	SSE_COMMENTS = 4,
	SSE_FIELDS = 8,
	SSE_NO_SPACE = 16,
	SSE_BOM = 32,
	SSE_NO_DONE = 64,
	SSE_MULTILINE = 128,
	SSE_NO_FINISH = 256
};

enum sim_end {
	END_NONE,
	END_HANG,
	END_CLOSE,
	END_RESET,
	END_ERROR
};

/** What the words ask of the answer. */
struct sim_plan {
	enum sim_body body;
	enum sim_usage usage;
	enum sim_end end;  /* what happens at end_at */
	unsigned sse;      /* enum sim_sse, or'ed */
	unsigned status;   /* of an error answer */
	uint64_t end_at;   /* events, or body bytes when not streaming */
	uint64_t cut_at;   /* close after these raw bytes behind the head */
	uint64_t words;    /* of each choice */
	uint64_t delay_ms; /* before the first byte */
	uint64_t pace_ms;  /* between events */
	uint64_t drip_ms;  /* between bytes, with unit 1 */
	uint64_t huge;     /* bytes of the first word, 0: an ordinary one */
	uint64_t retry_after_s;
	uint64_t details[8]; /* of the word details, in its order */
	size_t details_n;
	bool ignores_limit; /* of output tokens */
	bool hangs;         /* before the headers */
	bool split;         /* each body byte its own chunk and write */
	bool drip;          /* each byte of the answer its own write */
	bool headers;
	bool gzip;
	bool bad_utf8;
	bool echo;
	bool early_hints;
	bool no_length; /* body ends with the connection */
	bool drops;     /* close behind the answer without saying so */
	struct slice finish;
};

enum sim_phase {
	PHASE_WAIT,
	PHASE_HEAD,
	PHASE_EVENTS,
	PHASE_END
};

/** An answer under way. */
struct sim_answer {
	struct sim_plan plan;
	struct sim_call call;
	enum sim_phase phase;
	enum sim_route route;
	uint64_t seq;    /* number of the request since start or reset */
	int64_t t0_ns;   /* when the request was complete */
	uint64_t ev;     /* content events sent */
	uint64_t ev_end; /* content events of the whole answer */
	uint64_t body_n; /* raw bytes behind the head */
	uint64_t typed;  /* events with a number of their own */
	bool limited;    /* the output limit cut it: finish_reason length */
	bool chunked;
	bool cut; /* plan.cut_at was reached */
};

struct sim_thread;

struct sim_conn {
	int fd;
	struct sim_thread *th;
	struct sim_conn *prev; /* in th->conns */
	struct sim_conn *next;
	struct sbuf in;
	struct sbuf out;
	size_t out_at;    /* bytes of out already sent */
	size_t out_whole; /* bytes of out not subject to unit */
	size_t unit;      /* bytes of one write, 0: as many as there are */
	size_t heap_at;   /* position in the timers + 1, 0: no timer */
	int64_t due_ns;
	bool readable;
	bool peer_left;
	bool wants_out;
	bool answering;
	bool close_after;
	struct sim_request rq;
	struct sim_answer an;
};

/** Counters; each thread has its own, they are added up when asked for. */
struct sim_stats {
	_Atomic uint64_t requests[ROUTE_N];
	_Atomic uint64_t bad_requests;
	_Atomic uint64_t accepted;
	_Atomic uint64_t answered;
	_Atomic uint64_t aborted;
	_Atomic uint64_t events;
	_Atomic uint64_t timers;
	_Atomic uint64_t timers_late; /* by more than SIM_LATE_US */
	_Atomic uint64_t timer_lag_max_us;
};

struct sim_options {
	size_t n_threads;
	uint64_t connections_max;
	uint64_t body_max; /* bytes of a request body */
};

struct sim_timers {
	struct sim_conn **at;
	size_t n;
	size_t cap;
};

struct sim_thread {
	struct sim *sim;
	pthread_t id;
	int epoll_fd;
	int wake_fd;
	struct sim_timers timers;
	struct sim_stats stats;
	_Atomic uint64_t n_conns;
	pthread_mutex_t conns_lock; /* guards conns: thread 0 adds to it */
	struct sim_conn *conns;
	pthread_mutex_t last_lock; /* guards last, last_seq */
	struct sbuf last;          /* last inference request as received */
	uint64_t last_seq;
	uint64_t last_body_n;
	struct sbuf scratch;
};

struct sim {
	struct sim_options opt;
	struct sim_thread *threads;
	_Atomic uint64_t seq;
	_Atomic uint64_t refused; /* connections beyond the limit */
	_Atomic int64_t last_abort_ms;
	_Atomic uint64_t last_abort_events;
	_Atomic bool stops;
	int listen_fd[8];
	size_t n_listen;
};

enum sim_parse {
	PARSE_MORE,
	PARSE_OK,
	PARSE_BAD,
	PARSE_TOO_LARGE
};
enum sim_step {
	STEP_MORE,
	STEP_WAIT,
	STEP_HANG,
	STEP_DONE,
	STEP_CLOSE,
	STEP_RESET
};

/* upstream_sim_http.c */

/** Forget the request and its bytes in the input. */
void sim_http_reset(struct sim_request *rq);

/**
 * Parse what has arrived.  PARSE_MORE asks for more bytes; call again with
 * the same rq.  On PARSE_OK the slices of rq point into `in`.
 */
enum sim_parse sim_http_parse(struct sbuf *in, struct sim_request *rq,
    uint64_t body_max);

/* upstream_sim_call.c */

/**
 * Read an inference body.  False: *ret_param is the name of the member at
 * fault, raw, or empty when the body is no JSON object.
 */
bool sim_call_read(struct slice body, enum sim_route route,
    struct sim_call *ret, struct slice *ret_param);

/* upstream_sim_words.c */

/** Defaults, then the words.  False: an unknown word. */
bool sim_plan_read(struct slice words, struct sim_plan *ret);

/** Every word with its meaning, as text. */
void sim_words_help(struct sbuf *out);

/** The names of all words as rows of GET /v1/models. */
void sim_words_models(struct sbuf *out);

/* upstream_sim_text.c */

/** The word number i of an answer, as JSON string content. */
void sim_text_word(struct sbuf *out, const struct sim_answer *an, uint64_t i);

/** One number of it, as odd as is asked for. */
void sim_text_count(struct sbuf *out, struct slice name, uint64_t v,
    enum sim_usage odd);

/** The object of "usage". */
void sim_text_usage(struct sbuf *out, const struct sim_answer *an);

/** A whole JSON answer of chat, completion or embedding. */
void sim_text_answer(struct sbuf *out, const struct sim_answer *an);

/** id, object, created, model: the opening of an answer or a chunk. */
void sim_text_opening(struct sbuf *out, const struct sim_answer *an,
    struct slice object);

/** OpenAI's error object for an HTTP status. */
void sim_text_error(struct sbuf *out, unsigned status, struct slice message,
    struct slice param);

/* upstream_sim_stream.c */

/** The opening event(s): the role of each choice, a BOM, … */
void sim_stream_open(struct sim_conn *c);

/** The next content event. */
void sim_stream_event(struct sim_conn *c);

/** Finish reasons, usage, [DONE]. */
void sim_stream_tail(struct sim_conn *c);

/** One event that isn't the model's: data is its JSON. */
void sim_stream_data(struct sim_conn *c, struct slice data);
/** The same with an event: line, unless name is empty. */
void sim_stream_named(struct sim_conn *c, struct slice name, struct slice data);

/* upstream_sim_typed.c: what isn't OpenAI's chats */

/** Whether a route's answers are written there. */
bool sim_is_typed(enum sim_route route);

/** A whole answer, as sim_text_answer(). */
void sim_typed_answer(struct sbuf *out, const struct sim_answer *an);

/** The format's error; false: it has OpenAI's. */
bool sim_typed_error(struct sbuf *out, enum sim_route route, unsigned status);

/** As sim_stream_open(), _event(), _tail(). */
void sim_typed_open(struct sim_conn *c);
void sim_typed_event(struct sim_conn *c);
void sim_typed_tail(struct sim_conn *c);

/** The event that says that the stream failed; false: it has OpenAI's. */
bool sim_typed_failure(struct sim_conn *c);

/* upstream_sim_answer.c */

/** Begin the answer to the complete request c->rq. */
void sim_answer_begin(struct sim_conn *c, int64_t now_ns);

/** Begin the answer to a request that can't be parsed; closes behind it. */
void sim_answer_bad(struct sim_conn *c, unsigned status);

/** Produce the next piece into c->out, or say what to wait for. */
enum sim_step sim_answer_step(struct sim_conn *c, int64_t now_ns);

/** Append body bytes in the answer's framing. */
void sim_body_add(struct sim_conn *c, const void *p, size_t n);

/* upstream_sim_gzip.c */

/** `in` as a gzip file of stored blocks. */
void sim_gzip(struct sbuf *out, struct slice in);

/* upstream_sim_admin.c */

/** The body of a /__sim/… route, /healthz or /v1/models. */
void sim_admin_body(struct sim *sim, enum sim_route route, struct sbuf *out);

/** Keep a copy of an inference request for /__sim/last. */
void sim_admin_keep(struct sim_conn *c);

/* upstream_sim_timer.c */

/** Wake the connection at due_ns, instead of any earlier wish. */
void sim_timer_set(struct sim_timers *t, struct sim_conn *c, int64_t due_ns);

void sim_timer_drop(struct sim_timers *t, struct sim_conn *c);

/** Monotonic time in ns. */
int64_t sim_now_ns(void);

/* upstream_sim_loop.c */

/** A thread's life; arg is its struct sim_thread. */
void *sim_loop(void *arg);

/** Close what is still open; the thread has ended. */
void sim_loop_fini(struct sim_thread *th);

#endif
