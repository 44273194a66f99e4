/* SPDX-License-Identifier: MIT */
/*
 * What a worker writes down about its requests, as plain structs, and the
 * bytes they become. Values only: no file is touched here.
 *
 * A record is a frame of 16 bytes and a payload, padded with zeros to 8:
 *
 *   u32 crc    CRC-32C of everything behind it, payload included
 *   u16 len    of the payload
 *   u8  type   enum journal_type
 *   u8  zero   reserved
 *   u64 tag    the file's random salt + the record's offset in the file
 *
 * All numbers are little-endian. The tag lets a reader find the next record
 * behind damaged bytes, and keeps text from a client, which records hold,
 * from ever passing for a record: the salt is not known outside the host.
 *
 * A request is one `open`, any number of `progress`, one `settle`. When a
 * series goes on in its next file, the writer repeats there what is still
 * open, so that each file can be read, kept or removed without the earlier
 * ones; an `open` of a request that is open already changes nothing.
 */
#ifndef TG_JOURNAL_RECORD_H
#define TG_JOURNAL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/tok_class.h"
#include "base/uuid7.h"

enum journal_type {
	JOURNAL_OPEN = 1,
	JOURNAL_PROGRESS,
	JOURNAL_SETTLE,
	JOURNAL_REFUSE,
	JOURNAL_ROTATE, /* the series goes on in the next file */
	JOURNAL_END,    /* the worker closed its series in order */
};

/* Longest texts, in bytes; longer ones are cut at a character's start. */
#define JOURNAL_MODEL_MAX    128
#define JOURNAL_PROVIDER_MAX 64
#define JOURNAL_CODE_MAX     48
#define JOURNAL_REASON_MAX   40
/* Budgets that one request may hold a part of. */
#define JOURNAL_BUDGETS_MAX  4

#define JOURNAL_FRAME_BYTES 16
/* Largest payload of any record. */
#define JOURNAL_PAYLOAD_MAX 384
#define JOURNAL_RECORD_MAX  (JOURNAL_FRAME_BYTES + JOURNAL_PAYLOAD_MAX)

/* Prices of one request, pico-USD; before markup. */
struct journal_rate {
	int64_t in_pusd;      /* per input token */
	int64_t out_pusd;     /* per output token */
	int64_t request_pusd; /* per request */
};

/*
 * What is known of a usage row at admission. Ids are the rows' in SQL;
 * 0 = none where that is possible (project, agent, connector).
 */
struct journal_open {
	struct uuid7 request_id;
	int64_t start_ms; /* wall time; the row's request_timestamp */
	uint64_t customer_id, project_id, user_id, api_key_id;
	uint64_t model_id, provider_id, deployment_id;
	uint64_t agent_id, connector_id;
	uint64_t price_version_id;
	uint32_t markup_ppm; /* 1,000,000 = as the price says */
	uint64_t prompt_tok; /* estimate, until the provider says */
	int64_t hold_pusd;   /* asked for in each of these: */
	unsigned n_budgets;
	uint32_t budget_id[JOURNAL_BUDGETS_MAX];
	bool is_stream;
	bool is_long; /* estimate is beyond the long-context threshold */
	/* What an interrupted request is charged by: the rates of its
	 * class (normal or long context). */
	struct journal_rate price;
	struct journal_rate provider_price;
	struct str model_requested; /* what the client wrote */
	struct str provider_used;
};

/* Of streams: what the client has received so far, at most each second. */
struct journal_progress {
	struct uuid7 request_id;
	uint64_t delivered_tok; /* output tokens, cumulative */
	bool has_output;        /* any byte of the answer was sent */
	bool is_counted;        /* with the model's tokenizer: */
	uint64_t prompt_tok;    /* in place of the open's; else 0 */
};

/* settle.flags */
#define JOURNAL_FLAG_OVER_LIMIT 1u /* cost more than it held */

/*
 * The end of a request. With a refuse_reason the request was turned away
 * after its open: it is counted in usage_refusals and makes no usage row.
 */
struct journal_settle {
	struct uuid7 request_id;
	int64_t latency_ms;
	int64_t ttft_ms; /* to the first token; -1 = none */
	uint64_t tok[TOK_CONTEXT__MAX][TOK_CLASS__MAX];
	int64_t cost_pusd;          /* charged: rates x markup */
	int64_t provider_cost_pusd; /* what the provider charges us */
	enum usage_status status;
	enum usage_source source;
	uint32_t attempts;
	uint32_t flags;
	int64_t hold_pusd; /* what it held in the open's budgets in the end */
	bool is_unpriced;  /* the costs are unknown (NULL), not 0 */
	/* Who served it in the end; 0 and empty = as in the open. */
	uint64_t provider_id, deployment_id, price_version_id;
	struct str provider_used;
	struct str error_code;    /* empty = none */
	struct str refuse_reason; /* empty = was not refused */
};

/* A known key that was refused before any open. */
struct journal_refuse {
	int64_t time_ms;
	uint64_t customer_id, api_key_id;
	uint64_t model_id; /* 0 = none or unknown */
	struct str reason; /* the error's API code */
};

/* A position in a series: file number << 32 | offset in the file. */
typedef uint64_t journal_pos;

static inline journal_pos
journal_pos_make(uint32_t file_no, uint32_t offset)
{
	return (journal_pos)file_no << 32 | offset;
}
static inline uint32_t
journal_pos_file(journal_pos pos)
{
	return (uint32_t)(pos >> 32);
}
static inline uint32_t
journal_pos_offset(journal_pos pos)
{
	return (uint32_t)pos;
}

/**
 * Encode into ret (JOURNAL_PAYLOAD_MAX bytes); texts that are too long are
 * cut. Returns the payload's length. Cannot fail.
 */
size_t journal_encode_open(const struct journal_open *o, uint8_t *ret);
size_t journal_encode_progress(const struct journal_progress *p, uint8_t *ret);
size_t journal_encode_settle(const struct journal_settle *s, uint8_t *ret);
size_t journal_encode_refuse(const struct journal_refuse *r, uint8_t *ret);

/**
 * Decode a payload. Texts are views into it. False when it is too short,
 * longer than it says, or a value is out of range. A payload written by a
 * later version may be longer; what follows the known members is ignored.
 */
bool journal_decode_open(struct str payload,
    struct journal_open *ret) ATTR_MUST_CHECK;
bool journal_decode_progress(struct str payload,
    struct journal_progress *ret) ATTR_MUST_CHECK;
bool journal_decode_settle(struct str payload,
    struct journal_settle *ret) ATTR_MUST_CHECK;
bool journal_decode_refuse(struct str payload,
    struct journal_refuse *ret) ATTR_MUST_CHECK;

/** Bytes of a whole record, padding included. */
static inline size_t
journal_record_bytes(size_t payload_bytes)
{
	return (JOURNAL_FRAME_BYTES + payload_bytes + 7) & ~(size_t)7;
}

/**
 * Put frame and padding around the payload that stands at
 * rec + JOURNAL_FRAME_BYTES.
 * @rec  room for journal_record_bytes(payload_bytes)
 * @tag  salt + offset
 * Returns the record's length in bytes.
 */
size_t journal_frame(uint8_t *rec, enum journal_type type, size_t payload_bytes,
    uint64_t tag);

/**
 * Check the record at p, of which n bytes are there.
 * Returns its length and type and payload, or 0 when no whole, valid record
 * starts there.
 */
size_t journal_unframe(const uint8_t *p, size_t n, uint64_t tag,
    enum journal_type *ret_type, struct str *ret_payload);

#endif
