/* SPDX-License-Identifier: MIT */
#include "domain/hostmap.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mapfile.h"

#define LAYOUT_VERSION 3
#define LINE_BYTES     64 /* words on different lines don't slow each other */

#define LOCAL_SLOTS  65536 /* a window: some 30,000 keys x models at once */
#define LOCAL_PROBES 64

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2,
    "a lock inside an atomic would not work between processes");

typedef _Atomic uint64_t word;

/* A counter of one window. `name` is the window's number and half a digest;
 * `state` is a mark of the name and the count. Both words are needed because
 * a slot is reused: see local_slot_find() and local_update(). */
struct local_slot {
	word name;
	word state;
};

struct padded {
	alignas(LINE_BYTES) word v;
};

struct layout {
	alignas(LINE_BYTES) word slots[GENERATION__N];
	alignas(LINE_BYTES) word seen[GENERATION__N];
	struct padded cache_state; /* since_ms * 2 + is_down */
	struct padded cache_probe_ms;
	struct padded beats_ms[HOSTMAP__DUTIES];
	struct padded totals[HOSTMAP__TOTALS];
	alignas(
	    LINE_BYTES) struct local_slot local[HOSTMAP__TABLES][LOCAL_SLOTS];
};

struct hostmap {
	struct mapfile file;
	struct layout *at;
};

enum err
hostmap_open(const char *dir, bool may_create, struct hostmap **ret,
    struct error *e)
{
	static const struct mapfile_spec spec = {
		.magic = "TGHOST\r\n",
		.version = LAYOUT_VERSION,
		.body_bytes = sizeof(struct layout),
	};
	struct hostmap *m = calloc(1, sizeof(*m));
	char path[512];
	enum err err;

	if (!m)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	(void)snprintf(path, sizeof(path), "%s/" HOSTMAP_FILE, dir);
	err = mapfile_open(path, &spec, may_create, &m->file, e);
	if (err) {
		free(m);
		return err;
	}
	m->at = m->file.body;
	*ret = m;
	return OK;
}

void
hostmap_close(struct hostmap *m)
{
	if (!m)
		return;
	mapfile_close(&m->file);
	free(m);
}

uint64_t
hostmap_slot_read(const struct hostmap *m, unsigned slot)
{
	ASSERT(slot < GENERATION__N);
	return atomic_load(&m->at->slots[slot]);
}

void
hostmap_slot_read_all(const struct hostmap *m, uint64_t ret[GENERATION__N])
{
	for (unsigned i = 0; i < GENERATION__N; i++)
		ret[i] = atomic_load_explicit(&m->at->slots[i],
		    memory_order_relaxed);
	/* What is read from the database afterwards is not older. */
	atomic_thread_fence(memory_order_seq_cst);
}

void
hostmap_slot_bump(struct hostmap *m, unsigned slot)
{
	ASSERT(slot < GENERATION__N);
	atomic_fetch_add(&m->at->slots[slot], 1);
}

/* In this order, so that a poller killed in between leaves the difference
 * for the next one to find. */
void
hostmap_slot_seen(struct hostmap *m, unsigned slot, uint64_t generation)
{
	ASSERT(slot < GENERATION__N);
	if (atomic_load(&m->at->seen[slot]) == generation)
		return;
	hostmap_slot_bump(m, slot);
	atomic_store(&m->at->seen[slot], generation);
}

bool
hostmap_duty_try(struct hostmap *m, enum hostmap_duty duty)
{
	return mapfile_lock_try(&m->file, duty);
}

void
hostmap_duty_release(struct hostmap *m, enum hostmap_duty duty)
{
	mapfile_unlock(&m->file, duty);
}

void
hostmap_duty_beat(struct hostmap *m, enum hostmap_duty duty, int64_t now_ms)
{
	atomic_store(&m->at->beats_ms[duty].v, (uint64_t)now_ms);
}

int64_t
hostmap_duty_beat_ms(const struct hostmap *m, enum hostmap_duty duty)
{
	return (int64_t)atomic_load(&m->at->beats_ms[duty].v);
}

struct hostmap_cache_state
hostmap_cache_state(const struct hostmap *m)
{
	uint64_t v = atomic_load(&m->at->cache_state.v);

	return (struct hostmap_cache_state){
		.is_up = v % 2 == 0,
		.since_ms = (int64_t)(v / 2),
		.word = v,
	};
}

bool
hostmap_cache_switch(struct hostmap *m, struct hostmap_cache_state seen,
    bool is_up, int64_t now_ms)
{
	uint64_t to = (uint64_t)now_ms * 2 + (is_up ? 0 : 1);

	if (seen.is_up == is_up ||
	    !atomic_compare_exchange_strong(&m->at->cache_state.v, &seen.word,
		to))
		return false;
	if (!is_up)
		atomic_store(&m->at->cache_probe_ms.v, (uint64_t)now_ms);
	hostmap_total_add(m, HOSTMAP_CACHE_SWITCHES, 1);
	return true;
}

bool
hostmap_cache_probe(struct hostmap *m, int64_t now_ms, int64_t interval_ms)
{
	uint64_t last = atomic_load(&m->at->cache_probe_ms.v);
	int64_t since_ms = now_ms - (int64_t)last;

	/* Negative when the wall clock was set back: don't wait for it. */
	if (since_ms >= 0 && since_ms < interval_ms)
		return false;
	return atomic_compare_exchange_strong(&m->at->cache_probe_ms.v, &last,
	    (uint64_t)now_ms);
}

/* Where a counter is looked for, and its two marks. */
struct local_id {
	size_t at;
	uint64_t name;
	uint64_t mark; /* upper half of the slot's state */
};

static struct local_id
local_id(uint64_t id, uint64_t index)
{
	/* Never 0, which is a slot that was never used. */
	uint64_t name = index << 32 | (id & UINT32_MAX) | 1;

	return (struct local_id){
		.at = (size_t)(id >> 32) % LOCAL_SLOTS,
		.name = name,
		.mark = name * UINT64_C(0x9e3779b97f4a7c15) >> 32 << 32,
	};
}

/* A slot may be taken over two windows after its own, which depends on the
 * two names only: all who look for one name agree. The slots that a name may
 * take only get fewer, so two threads can't give one name two places: the
 * later one finds the earlier one's choice taken, and looks again. */
static bool
local_is_vacant(uint64_t name, uint64_t for_name)
{
	return name == 0 || (name >> 32) + 2 <= for_name >> 32;
}

static struct local_slot *
local_slot_find(struct local_slot *table, const struct local_id *id,
    bool may_claim)
{
	for (;;) {
		struct local_slot *vacant = NULL;
		uint64_t old = 0;

		for (size_t i = 0; i < LOCAL_PROBES; i++) {
			struct local_slot *s =
			    &table[(id->at + i) % LOCAL_SLOTS];
			uint64_t name = atomic_load(&s->name);

			if (name == id->name)
				return s;
			if (!vacant && local_is_vacant(name, id->name)) {
				vacant = s;
				old = name;
			}
			if (name == 0)
				break; /* never used, so none lies behind */
		}
		if (!vacant || !may_claim)
			return NULL;
		if (atomic_compare_exchange_strong(&vacant->name, &old,
			id->name))
			return vacant;
	}
}

/* One attempt to change a slot's count from what was read. The name is read
 * after the state: if it is still ours then, a later owner can't have written
 * that state, and its writes make the exchange fail. */
static bool
local_update(struct local_slot *s, const struct local_id *id, uint64_t state,
    uint64_t count, bool *ret_is_ours)
{
	*ret_is_ours = atomic_load(&s->name) == id->name;
	return *ret_is_ours && atomic_compare_exchange_strong(&s->state, &state,
				   id->mark | count);
}

/* What a state counts for this name: another's count is none. */
static uint64_t
local_count(const struct local_id *id, uint64_t state)
{
	return state >> 32 << 32 == id->mark ? state & UINT32_MAX : 0;
}

enum hostmap_count
hostmap_local_add(struct hostmap *m, unsigned table, uint64_t id,
    uint64_t index, uint32_t by, uint32_t max, uint32_t *ret_count)
{
	struct local_id want = local_id(id, index);
	struct local_slot *s = NULL;

	ASSERT(table < HOSTMAP__TABLES);
	for (;;) {
		uint64_t state, count;
		bool is_ours;

		if (!s)
			s = local_slot_find(m->at->local[table], &want, true);
		if (!s)
			return HOSTMAP_FULL;
		state = atomic_load(&s->state);
		count = local_count(&want, state);
		*ret_count = (uint32_t)count;
		if (by > max || count > max - by)
			return HOSTMAP_OVER;
		if (local_update(s, &want, state, count + by, &is_ours)) {
			*ret_count = (uint32_t)(count + by);
			return HOSTMAP_COUNTED;
		}
		if (!is_ours)
			s = NULL; /* our window is long over */
	}
}

void
hostmap_local_sub(struct hostmap *m, unsigned table, uint64_t id,
    uint64_t index, uint32_t by)
{
	struct local_id want = local_id(id, index);
	struct local_slot *s = local_slot_find(m->at->local[table], &want,
	    false);
	bool is_ours = s != NULL;

	while (is_ours) {
		uint64_t state = atomic_load(&s->state);
		uint64_t count = local_count(&want, state);

		if (local_update(s, &want, state, count > by ? count - by : 0,
			&is_ours))
			return;
	}
}

uint32_t
hostmap_local_get(struct hostmap *m, unsigned table, uint64_t id,
    uint64_t index)
{
	struct local_id want = local_id(id, index);
	struct local_slot *s = local_slot_find(m->at->local[table], &want,
	    false);

	return s ? (uint32_t)local_count(&want, atomic_load(&s->state)) : 0;
}

void
hostmap_total_add(struct hostmap *m, enum hostmap_total total, uint64_t n)
{
	atomic_fetch_add_explicit(&m->at->totals[total].v, n,
	    memory_order_relaxed);
}

uint64_t
hostmap_total(const struct hostmap *m, enum hostmap_total total)
{
	return atomic_load_explicit(&m->at->totals[total].v,
	    memory_order_relaxed);
}
