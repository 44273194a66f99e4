/* SPDX-License-Identifier: MIT */
/*
 * What Tollgate must know of requests, answers and streams, and no more. The
 * structures took their shape from OpenAI's chat completions and serve every
 * wire format: functions that are told the operation (enum wire_op) speak
 * all of them, the others those of chat completions, completions and
 * embeddings. What is particular to the others is in responses.c, anthropic.c
 * and generate_text.c.
 */
#ifndef TG_UPSTREAM_OPENAI_H
#define TG_UPSTREAM_OPENAI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "upstream/body.h"
#include "upstream/openai_count.h"
#include "upstream/provider.h"
#include "upstream/splice.h"
#include "upstream/sse.h"
#include "upstream/usage.h"

/* Bounds of what a client may ask for. */
#define OPENAI_MODEL_MAX_BYTES 128
#define OPENAI_LIMIT_TOK_MAX   UINT64_C(10000000)
#define OPENAI_N_MAX           128

/* The members of a request that admission and forwarding need. */
struct openai_request {
	struct str model; /* as the client wrote it, unescaped */
	struct str user;  /* empty = none */
	bool is_stream;
	bool wants_usage;    /* stream_options.include_usage */
	bool has_limit;      /* the client limits the output: */
	uint64_t limit_tok;  /* smallest of the members that do so */
	uint64_t n;          /* answers that are billed: n or best_of, >= 1 */
	uint64_t prompt_tok; /* an estimate: openai_count_prompt() */
};

/**
 * Errors: ERR_BAD_PARAM naming a member that is missing or not valid: model
 *         and messages/prompt/input are needed, `stream_options` only goes
 *         with `stream`, limits and n are whole numbers from 1 (a message's
 *         may be 0). WIRE_GENERATE has no model.
 * Memory: texts in a, or views of the body.
 */
enum err openai_request_read(struct arena *a, enum wire_op op,
    const struct body *b, struct openai_request *ret,
    struct error *e) ATTR_MUST_CHECK;

/* What forwarding changes. */
struct openai_change {
	enum provider_kind kind;
	struct str model;   /* the deployment's name for it */
	uint64_t limit_tok; /* 0 = none; lowers or adds the client's limit */
	bool force_usage;   /* streams: ask for the usage chunk */
	/* Sent when the client says nothing, JSON numbers; empty: nothing. */
	struct str temperature;
	struct str top_p;
};

/**
 * Note the changes in s (splice_init() was called on b): model, output
 * limit, stream_options.include_usage, store = false where it is given or
 * would be true by default, temperature and top_p where they are not given.
 */
void openai_request_change(struct splice *s, enum wire_op op,
    const struct openai_request *rq, const struct openai_change *change);

/* ---- answers that are not streamed ---- */

struct openai_answer {
	bool is_json;    /* an object at least: */
	struct str json; /* without space around it */
	bool is_error;   /* OpenAI's error object: {"error":{"message":…}} */
	bool has_usage;  /* all of it: */
	struct usage usage;
	bool has_bad_usage;   /* there is some, but it can't be right */
	bool has_in, has_out; /* else these of its counts are right */
	/* Of all choices; both empty with has_usage. */
	enum wire_op op;    /* how they are written: */
	struct str choices; /* the array, or what stands in its place */
	uint64_t text_bytes;
	struct str error_code; /* error.code or error.type, as written */
};

/** Look at a whole body of any status; never fails. Views of text. */
void openai_answer_read(struct str text, struct openai_answer *ret);

/** The same for any operation. */
void wire_answer_read(enum wire_op op, struct str text,
    struct openai_answer *ret);

/** WIRE_GENERATE: how many tokens were read, as a header says; text that is
 * no number says nothing. */
void generate_answer_add_in(struct openai_answer *answer, struct str n_tok);

/**
 * Text of the first choice (message.content, refusal or text), or all text of
 * an answer that has no choices, for /generate.
 * Errors: ERR_UPSTREAM there is none. Memory: a, or a view of the answer.
 */
enum err openai_answer_text(struct arena *a, const struct openai_answer *answer,
    struct str *ret, struct error *e) ATTR_MUST_CHECK;

/* ---- streams ---- */

/* What an event of a stream is to the client. */
enum openai_pass {
	OPENAI_PASS,   /* send out->raw */
	OPENAI_HIDE,   /* send nothing: the usage chunk that we asked for, or
			  garbage */
	OPENAI_FINISH, /* "[DONE]" or what says the same: settle first, then
			  send out->raw */
};

/* One stream so far. */
struct openai_stream {
	struct arena *a;
	enum wire_op op;
	bool hides_usage; /* the client did not ask for the usage chunk */
	bool has_usage;   /* the last complete one: */
	struct usage usage;
	bool has_in;        /* else its input is known: */
	bool has_bad_usage; /* some of it could not be right */
	/* What stands at the end of a chat or completion came, and then again;
	 * the other formats have it in the event that ends them, or add up. */
	bool has_last_usage, is_usage_repeated;
	struct usage_anthropic anthropic; /* WIRE_MESSAGE */
	/* The client has left: what comes is looked at for its usage only. */
	bool is_unheard;
	struct openai_texts texts; /* delivered so far */
	uint64_t n_events;         /* with data */
	bool is_finished;          /* some choice had a finish_reason */
	bool is_done;              /* [DONE] came */
	bool is_error;   /* the provider sent an error in the stream */
	bool is_garbage; /* some data was neither an object nor [DONE] */
	struct buf scratch, trimmed;
};

struct openai_out {
	enum openai_pass pass;
	struct str raw;  /* for the client; lives until the next event */
	struct str data; /* what raw says */
	bool is_error;   /* this event is the provider's error */
	bool is_garbage; /* this event can't be passed on: end the stream */
};

/**
 * @a  keeps events that must be rewritten, and texts until they are counted
 * @t  to count with; NULL: tokens are estimated
 */
void openai_stream_init(struct openai_stream *st, struct arena *a,
    bool hides_usage, const struct tokenizer *t);

/** The same for any operation; hides_usage is for those that have chunks. */
void wire_stream_init(struct openai_stream *st, struct arena *a,
    enum wire_op op, bool hides_usage, const struct tokenizer *t);

/**
 * Look at one event and say what the client gets. Comments pass. With
 * hides_usage, a chunk with usage and no choices is hidden, and
 * `"usage":null`, which providers add to all others when asked for usage, is
 * taken out, so that the client sees what it would have without us.
 *
 * Of the fields beside data only `event:` goes on, and only where the wire
 * format has it: as what the data's own "type" says.
 * Errors: ERR_NO_MEMORY.
 */
enum err openai_stream_event(struct openai_stream *st,
    const struct sse_event *ev, struct openai_out *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
