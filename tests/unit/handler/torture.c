/* SPDX-License-Identifier: MIT */
#include "unit/handler/torture.h"

#include <stdio.h>

#include "base/log.h"
#include "daemon/dispatch.h"
#include "domain/catalogue.h"
#include "domain/hostmap.h"
#include "domain/key.h"
#include "domain/limit.h"
#include "ext/httpc.h"
#include "ext/mcache.h"
#include "http/mem.h"
#include "journal/reader.h"
#include "support/fixture_sim.h"
#include "support/vocabulary.h"
#include "tokenizer/build.h"
#include "tokenizer/tokenizer.h"

/* Far more allocations than any request makes. */
#define ROUNDS_MAX 2000

struct shared torture_shared;
struct principal torture_who;

static struct app app = { .shared = &torture_shared };
static struct settings settings;
static struct arena arena;
static struct conn_mem conn;
static struct fixture_sim sim;
static struct fixture_dir dir;
static struct mcache *cache;
static struct journal_reader *reader;
static unsigned n_ends;
/* Of the model whose provider reports no usage. */
#define COUNTED_NAME "counted"
static struct arena made;
static struct tokenizer *tokenizer;

/* ---- the catalogue ---- */

/* What the simulator does for the models 1 to N_MODELS. */
static const char *const upstream_names[] = { "sim-fixed:5", "sim-fixed:5",
	"sim-429", "sim-drip:0", "sim-fixed:5+no-usage", "sim-fixed:5" };
static const char *const model_names[] = { "gpt2", "lawgent-thinking",
	"limited", "split", COUNTED_NAME, "second-try" };
#define N_MODELS ARRAY_LEN(model_names)

static char base_url[128];
static struct catalogue_provider providers[2];
/* The last model has one more in front, which fails. */
static struct catalogue_deployment deployments[N_MODELS + 1];
static struct price prices[N_MODELS];
static struct catalogue_model models[N_MODELS];
static struct catalogue catalogue = { .models = models, .n_models = N_MODELS };
static const uint64_t all_model_ids[] = { 1, 2, 3, 4, 5, 6 };

static struct catalogue_deployment
deployment(uint64_t id, uint64_t model_id, const char *name)
{
	return (struct catalogue_deployment){
		.row = { .deployment_id = id,
		    .model_id = model_id,
		    .provider_id = 1,
		    .upstream_name = str_from(name),
		    .weight = 1,
		    .is_enabled = true },
		.provider = &providers[model_id == 1 ? 0 : 1],
	};
}

static struct catalogue_model
model(size_t i)
{
	return (struct catalogue_model){
		.row = { .model_id = i + 1,
		    .name = str_from(model_names[i]),
		    .description = S("a model"),
		    .is_enabled = true,
		    .context_length = 1024,
		    .default_max_output_tok = 64,
		    .max_output_tok = 128,
		    .long_context_threshold_tok = -1,
		    .default_temperature_ppm = -1,
		    .default_top_p_ppm = -1,
		    .connect_ms = -1,
		    .first_byte_ms = -1,
		    .idle_ms = -1 },
		.deployments = &deployments[i],
		.n_deployments = 1,
		.prices = &prices[i],
		.n_prices = 1,
	};
}

static void
make_tokenizer(void)
{
	struct tokenizer_source source = { .name = "bytes",
		.rule = SPLIT_GPT2 };
	struct str image;
	struct error e;

	arena_init(&made, TOKENIZER_BUILD_BYTES);
	source.ranks = vocabulary_ranks(&made, NULL, 0);
	assert_ok(tokenizer_build(&source, &made, &image, &e));
	assert_ok(tokenizer_from_image(image, &tokenizer, &e));
}

static void
make_catalogue(void)
{
	(void)snprintf(base_url, sizeof(base_url), "unix:%s", sim.unix_path);
	for (size_t i = 0; i < ARRAY_LEN(providers); i++)
		providers[i] = (struct catalogue_provider){
			.row = { .provider_id = i + 1,
			    .name = S("sim"),
			    .kind = i ? PROVIDER_OPENAI : PROVIDER_LOCAL,
			    .base_url = str_from(base_url),
			    .is_enabled = true },
			.auth_line = i ? "Authorization: Bearer x" : NULL,
		};
	for (size_t i = 0; i < N_MODELS; i++) {
		deployments[i] = deployment(i + 1, i + 1, upstream_names[i]);
		prices[i].price_version_id = i + 1;
		prices[i].tok_pusd[TOK_NORMAL][TOK_IN] =
		    TORTURE_PRICED_TOK_PUSD;
		prices[i].tok_pusd[TOK_NORMAL][TOK_OUT] =
		    TORTURE_PRICED_TOK_PUSD;
		prices[i].request_pusd = TORTURE_PRICED_TOK_PUSD;
		models[i] = model(i);
		if (strcmp(model_names[i], COUNTED_NAME) == 0)
			deployments[i].tokenizer = tokenizer;
	}
	deployments[N_MODELS] = deployments[N_MODELS - 1];
	deployments[N_MODELS - 1].row.upstream_name = S("sim-503");
	models[N_MODELS - 1].n_deployments = 2;
}

/* ---- who asks: instead of the key cache ---- */

enum err
key_authenticate(struct key_cache *c, struct str text,
    const struct key_guard *guard, int64_t now_ms, struct arena *a,
    struct principal *ret, struct error *e)
{
	uint64_t *ids = arena_array(a, uint64_t, ARRAY_LEN(all_model_ids));

	(void)c;
	(void)text;
	(void)guard;
	(void)now_ms;
	if (!ids)
		return error_arena(e, a);
	memcpy(ids, all_model_ids, sizeof(all_model_ids));
	*ret = torture_who;
	ret->model_ids = ids;
	ret->n_models = ARRAY_LEN(all_model_ids);
	return OK;
}

enum err
key_by_digest(struct key_cache *c, const uint8_t digest[KEY_DIGEST_BYTES],
    int64_t now_ms, struct arena *a, struct principal *ret, struct error *e)
{
	(void)digest;
	return key_authenticate(c, S(""), NULL, now_ms, a, ret, e);
}

enum err
key_check_again(struct key_cache *c, struct principal *p, int64_t now_ms,
    struct arena *a, struct error *e)
{
	(void)c;
	(void)p;
	(void)now_ms;
	(void)a;
	(void)e;
	return OK;
}

/* ---- services ---- */

static void
open_journal(void)
{
	struct journal_options options = {
		.max_bytes = MIB(64),
		.file_bytes = MIB(16),
		.sync_ms = 10,
		.open_max = 8,
		.is_any_filesystem = true,
	};
	struct error e;

	assert_ok(journal_open_series(dir.path, &options,
	    &torture_shared.journal, &e));
	assert_ok(journal_reader_new(dir.path,
	    journal_id(torture_shared.journal), 0, &reader, &e));
}

/* There is no memcached, so the host's own counters are used. */
static void
open_limiter(void)
{
	struct mcache_params cache_params = {
		.servers = "/nonexistent/memcached.sock",
		.pool = 1,
		.timeout_ms = 100,
	};
	struct limiter_params params = {
		.map = torture_shared.hostmap,
		.settings = { .on_failure = CONF_FAILURE_LOCAL },
	};
	struct error e;

	limit_set_put(&params.settings.defaults,
	    LIMIT_KEY_MODEL_REQUESTS_MINUTE, 1000000);
	assert_ok(mcache_new(&cache_params, &cache, &e));
	params.cache = cache;
	assert_ok(limiter_new(&params, &torture_shared.limiter, &e));
}

void
torture_start(void)
{
	struct httpc_pool_conf httpc = { .idle_max = 2 };
	struct error e;

	/* Each failing round logs its error; nobody wants to read those. */
	log_init(false, LOG_LEVEL_ERROR, "test");
	fixture_sim_start(&sim);
	fixture_dir_make(&dir);
	assert_ok(httpc_global_init(&e));
	assert_ok(httpc_pool_new(&httpc, &torture_shared.httpc, &e));
	assert_ok(hostmap_open(dir.path, true, &torture_shared.hostmap, &e));
	open_journal();
	open_limiter();
	make_tokenizer();
	make_catalogue();
	app.catalogue = &catalogue;
	assert_ok(conf_defaults(&settings.conf, &e));
	settings.env.trusted_proxies = &settings.trusted;
	settings.env.base_path = S("");
	arena_init(&arena, MIB(64));
	torture_who = (struct principal){
		.kind = PRINCIPAL_KEY,
		.customer_id = 11,
		.user_id = 12,
		.api_key_id = 13,
		.scopes = KEY_SCOPE_INFER,
		.public_id = "K000000001",
		.markup_ppm = 1000000,
	};
}

void
torture_stop(void)
{
	conn_mem_fini(&conn);
	arena_fini(&arena);
	conf_free(settings.conf);
	limiter_free(torture_shared.limiter);
	mcache_free(cache);
	journal_reader_free(reader);
	journal_close(&torture_shared.journal);
	hostmap_close(torture_shared.hostmap);
	httpc_pool_free(torture_shared.httpc);
	httpc_global_fini();
	fixture_sim_stop(&sim);
	fixture_dir_remove(&dir);
	tokenizer_close(tokenizer);
	arena_fini(&made);
}

/* ---- one round ---- */

/* What the journal got of a round. */
struct booked {
	unsigned n_open, n_settled;
	uint64_t n_tok;
	int64_t cost_pusd;
};

static struct booked
read_booked(void)
{
	struct booked b = { 0 };
	struct journal_settle s;
	struct journal_rec rec;
	struct error e;

	while (journal_reader_next(reader, false, &rec, &e) == OK) {
		b.n_open += rec.type == JOURNAL_OPEN;
		if (rec.type != JOURNAL_SETTLE)
			continue;
		assert_true(journal_decode_settle(rec.payload, &s));
		b.n_settled++;
		b.cost_pusd += s.cost_pusd + s.provider_cost_pusd;
		for (size_t c = 0; c < TOK_CONTEXT__MAX; c++)
			for (size_t i = 0; i < TOK_CLASS__MAX; i++)
				b.n_tok += s.tok[c][i];
	}
	return b;
}

static void
count_end(void *arg)
{
	(void)arg;
	n_ends++;
}

/* Serve with the fail_at-th allocation failing; returns whether one did. */
static bool
serve(const struct torture *t, size_t fail_at)
{
	char method[32], uri[256], length[48];
	const char *cgi[] = { method, uri, "REMOTE_ADDR=192.0.2.1",
		"HTTP_AUTHORIZATION=Bearer tg_x",
		"HTTP_ANTHROPIC_BETA=a,interleaved-thinking-2025-05-14",
		"CONTENT_TYPE=application/json",
		*t->body ? length : "HTTP_X_NONE=", NULL };
	struct dispatch_job job = {
		.app = &app,
		.settings = &settings,
		.arena = &arena,
		.conn = &conn.base,
		.cgi = cgi,
		.end = count_end,
	};
	bool was_hit;

	(void)snprintf(method, sizeof(method), "REQUEST_METHOD=%s", t->method);
	(void)snprintf(uri, sizeof(uri), "REQUEST_URI=%s", t->uri);
	(void)snprintf(length, sizeof(length), "CONTENT_LENGTH=%zu",
	    strlen(t->body));
	conn_mem_fini(&conn);
	conn_mem_init(&conn, str_from(t->body));
	n_ends = 0;
	arena.fail_at = fail_at;
	dispatch_serve(&job);
	was_hit = arena.n_alloc >= fail_at;
	arena_reset(&arena);
	arena.fail_at = 0;
	return was_hit;
}

static void
check_left_nothing(const struct torture *t, const struct booked *b)
{
	if (n_ends != 1 || app.who || app.session || arena.defer ||
	    app.meter.state != METER_IDLE || torture_shared.body_bytes)
		fail_msg("%s: something was left over", t->name);
	if (b->n_open != b->n_settled)
		fail_msg("%s: %u opened, %u settled", t->name, b->n_open,
		    b->n_settled);
}

static bool
is_error_object(struct str body)
{
	return (str_starts(body, S("{\"error\":{\"message\":\"")) ||
		   str_starts(body, S("{\"type\":\"error\",\"error\":{"))) &&
	       (str_ends(body, S("\"code\":\"out_of_memory\"}}")) ||
		   str_ends(body, S("\"code\":\"request_too_large\"}}")));
}

/* A failure before anything was sent: our object, and nothing charged. */
static void
check_refused(const struct torture *t, size_t n, const struct booked *b)
{
	int status = conn_mem_out_status(&conn);

	if ((status != 500 && status != 413) ||
	    !is_error_object(conn_mem_out_body(&conn)))
		fail_msg("%s, allocation %zu: status %d, %" PRI_STR, t->name, n,
		    status, STR_ARG(conn_mem_out_body(&conn)));
	if (b->cost_pusd || b->n_tok)
		fail_msg("%s, allocation %zu: charged %lld for %llu tokens",
		    t->name, n, (long long)b->cost_pusd,
		    (unsigned long long)b->n_tok);
	if (conn_mem_out_header(&conn, "x-tollgate-cost").p)
		fail_msg("%s, allocation %zu: says it cost something", t->name,
		    n);
}

static bool
is_stream(void)
{
	return str_starts(conn_mem_out_header(&conn, "content-type"),
	    S("text/event-stream"));
}

/* A failure in the middle: the stream ends with an error event, and only
 * what went out is charged. */
static void
check_broken_off(const struct torture *t, size_t n, const struct booked *b)
{
	struct str body = conn_mem_out_body(&conn);
	size_t at = str_find_str(body, S("data: {\"error\":{"));

	if (at == body.n)
		at = str_find_str(body,
		    S("event: error\ndata: {\"type\":\"error\""));
	if (at == body.n || !str_ends(body, S("}}\n\n")))
		fail_msg("%s, allocation %zu: no error event in %" PRI_STR,
		    t->name, n, STR_ARG(body));
	if (at == 0 && (b->cost_pusd || b->n_tok))
		fail_msg("%s, allocation %zu: charged before any output",
		    t->name, n);
}

static void
check_complete(const struct torture *t, const struct booked *b)
{
	struct str body = conn_mem_out_body(&conn);
	const char *last = t->last ? t->last : "data: [DONE]\n\n";

	if (conn_mem_out_status(&conn) != t->status)
		fail_msg("%s: status %d, %" PRI_STR, t->name,
		    conn_mem_out_status(&conn), STR_ARG(body));
	if (is_stream() && !str_ends(body, str_from(last)))
		fail_msg("%s: ends in %" PRI_STR, t->name, STR_ARG(body));
	if ((b->cost_pusd > 0) != t->is_metered)
		fail_msg("%s: charged %lld", t->name, (long long)b->cost_pusd);
}

void
torture_run(const struct torture *t)
{
	size_t n = 1;

	for (; n < ROUNDS_MAX; n++) {
		struct booked b;
		bool was_hit;
		int status;

		if (t->prepare)
			t->prepare(n);
		was_hit = serve(t, n);
		status = conn_mem_out_status(&conn);
		b = read_booked();
		check_left_nothing(t, &b);
		if (!was_hit) {
			check_complete(t, &b);
			break;
		}
		if (t->is_refusal && status == t->status)
			continue;
		if (status == 200 && is_stream())
			check_broken_off(t, n, &b);
		else
			check_refused(t, n, &b);
	}
	print_message("# %s: %zu allocations failed in turn\n", t->name, n - 1);
	assert_in_range(n, 2, ROUNDS_MAX - 1);
}
