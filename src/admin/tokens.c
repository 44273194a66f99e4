/* SPDX-License-Identifier: MIT */
/* tollgate tokens build and count: tokenizers' files, made and used. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/buf.h"
#include "domain/tokenizers.h"
#include "tokenizer/build.h"
#include "tokenizer/tokenizer.h"
#include "upstream/body.h"
#include "upstream/openai_count.h"

#define INPUT_MAX_BYTES MIB(1024)

const struct admin_option admin_tokens_build_options[] = {
	{ "encoding", "NAME",
	    "What it is: r50k_base, cl100k_base, "
	    "o200k_base, or a name of your own.",
	    true },
	{ "split", "RULE",
	    "How texts are cut, with a name of your own: gpt2, cl100k or "
	    "o200k.",
	    false },
	{ "ranks", "FILE", "A rank file: \"base64 rank\" a line.", false },
	{ "vocab", "FILE", "Hugging Face's vocab.json; needs --merges.",
	    false },
	{ "merges", "FILE", "Its merges.txt.", false },
	{ "output", "FILE",
	    "The file to write (NAME.tokens in "
	    "tokenizers.dir).",
	    false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_tokens_count_options[] = {
	{ "encoding", "NAME", "Which tokenizer of tokenizers.dir.", false },
	{ "file", "FILE", "Or which file that `tollgate tokens build` wrote.",
	    false },
	{ "request", "KIND",
	    "The text is a request's body: count its prompt as "
	    "the gateway does. chat, completion or embedding.",
	    false },
	{ "local", NULL,
	    "With --request: as a model server of this host writes it.",
	    false },
	ADMIN_OPTIONS_END,
};

static const char *const split_names[SPLIT__MAX] = { "gpt2", "cl100k",
	"o200k" };

/* How the published encodings cut texts. */
static const struct {
	const char *name;
	enum split_rule rule;
} encodings[] = {
	{ "r50k_base", SPLIT_GPT2 },
	{ "gpt2", SPLIT_GPT2 },
	{ "cl100k_base", SPLIT_CL100K },
	{ "o200k_base", SPLIT_O200K },
	{ "o200k_harmony", SPLIT_O200K },
};

static enum err
find_rule(struct admin *ad, enum split_rule *ret, struct error *e)
{
	struct str name = admin_opt(ad, "encoding");
	unsigned rule = SPLIT__MAX;
	enum err err;

	for (size_t i = 0; i < ARRAY_LEN(encodings); i++)
		if (str_eq(name, str_from(encodings[i].name)))
			rule = encodings[i].rule;
	err = admin_opt_enum(ad, "split", split_names, SPLIT__MAX, &rule, e);
	if (err)
		return err;
	if (rule == SPLIT__MAX)
		return admin_usage(e, "--split is needed with that name");
	*ret = (enum split_rule)rule;
	return OK;
}

/* ---- files ---- */

/* Mapped until the program ends; an empty file is an empty view. */
static enum err
read_fd(int fd, const char *path, struct str *ret, struct error *e)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return error_errno(e, ERR_IO, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERR_BAD_PARAM, "%s is not a file", path);
	if (st.st_size > (off_t)INPUT_MAX_BYTES)
		return error_set(e, ERR_TOO_LARGE, "%s is larger than 1 GiB",
		    path);
	*ret = str_make("", 0);
	if (st.st_size == 0)
		return OK;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return error_errno(e, ERR_IO, "%s", path);
	*ret = str_make(p, (size_t)st.st_size);
	return OK;
}

static enum err
read_file(struct admin *ad, struct str name, struct str *ret, struct error *e)
{
	const char *path = arena_cstr(admin_arena(ad), name);
	enum err err;
	int fd;

	if (!path)
		return error_arena(e, admin_arena(ad));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_errno(e, ERR_IO, "%s", path);
	err = read_fd(fd, path, ret, e);
	(void)close(fd);
	return err;
}

static enum err
read_option(struct admin *ad, const char *option, struct str *ret,
    struct error *e)
{
	return admin_has(ad, option)
		   ? read_file(ad, admin_opt(ad, option), ret, e)
		   : OK;
}

static bool
write_all(int fd, struct str bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno != EINTR)
			return false;
		bytes = str_skip(bytes, n > 0 ? (size_t)n : 0);
	}
	return fchmod(fd, 0644) == 0 && fsync(fd) == 0;
}

/* Written whole under another name, then renamed: workers may have the old
 * one mapped. `part` is mkstemp()'s. */
static enum err
write_file(const char *path, char *part, struct str bytes, struct error *e)
{
	int fd = mkstemp(part);
	enum err err = OK;

	if (fd < 0)
		return error_errno(e, ERR_IO, "%s", part);
	if (!write_all(fd, bytes) || rename(part, path) < 0) {
		err = error_errno(e, ERR_IO, "%s", path);
		(void)unlink(part);
	}
	(void)close(fd);
	return err;
}

/* The option's file, or NAME.tokens in tokenizers.dir; and for mkstemp(). */
static enum err
find_path(struct admin *ad, const char *option, const char **ret,
    char **ret_part, struct error *e)
{
	struct str name = admin_opt(ad, "encoding"), text = { NULL, 0 };
	struct arena *a = admin_arena(ad);
	struct buf b;

	if (name.p && (name.n > 24 || !tokenizers_is_name(name)))
		return admin_usage(e, "--encoding is not a name");
	buf_init(&b, a, KIB(8));
	if (admin_has(ad, option)) {
		buf_add(&b, admin_opt(ad, option));
	} else {
		buf_add(&b,
		    str_from(conf_text(admin_conf(ad), CONF_TOKENIZERS_DIR)));
		buf_add(&b, S("/"));
		buf_add(&b, name);
		buf_add(&b, S(".tokens"));
	}
	*ret = arena_cstr(a, buf_str(&b));
	buf_add(&b, S(".XXXXXX"));
	if (buf_finish(&b, &text, e))
		return e->code;
	*ret_part = (char *)(uintptr_t)arena_cstr(a, text);
	return *ret && *ret_part ? OK : error_arena(e, a);
}

/* ---- build ---- */

static enum err
build(struct admin *ad, struct arena *a, const struct tokenizer_source *source,
    struct error *e)
{
	struct tokenizer *t = NULL;
	struct str image;
	const char *path;
	char *part;
	enum err err = find_path(ad, "output", &path, &part, e);

	if (!err)
		err = tokenizer_build(source, a, &image, e);
	if (!err)
		err = write_file(path, part, image, e);
	if (!err)
		err = tokenizer_open(path, &t, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_str(ad, "encoding", str_from(source->name));
	admin_u64(ad, "tokens", tokenizer_vocabulary(t));
	admin_u64(ad, "bytes", image.n);
	admin_str(ad, "file", str_from(path));
	tokenizer_close(t);
	return OK;
}

enum err
admin_tokens_build(struct admin *ad, struct error *e)
{
	bool has_ranks = admin_has(ad, "ranks");
	struct tokenizer_source source = {
		.name = arena_cstr(admin_arena(ad), admin_opt(ad, "encoding")),
	};
	struct arena a;
	enum err err;

	if (has_ranks == admin_has(ad, "vocab") ||
	    admin_has(ad, "vocab") != admin_has(ad, "merges"))
		return admin_usage(e,
		    "either --ranks, or --vocab and --merges");
	if (!source.name)
		return error_arena(e, admin_arena(ad));
	err = find_rule(ad, &source.rule, e);
	if (!err)
		err = read_option(ad, "ranks", &source.ranks, e);
	if (!err)
		err = read_option(ad, "vocab", &source.vocab, e);
	if (!err)
		err = read_option(ad, "merges", &source.merges, e);
	if (!err && has_ranks && source.ranks.n == 0)
		err = error_set(e, ERR_BAD_PARAM, "the rank file is empty");
	if (err)
		return err;
	arena_init(&a, TOKENIZER_BUILD_BYTES);
	err = build(ad, &a, &source, e);
	arena_fini(&a);
	return err;
}

/* ---- count ---- */

static const char *const op_names[WIRE_OP__MAX] = {
	[WIRE_CHAT] = "chat",
	[WIRE_COMPLETION] = "completion",
	[WIRE_EMBEDDING] = "embedding",
	[WIRE_RESPONSE] = "response",
	[WIRE_MESSAGE] = "message",
	[WIRE_COUNT] = "count",
	[WIRE_GENERATE] = "generate",
};

static enum err
count_prompt(struct admin *ad, const struct tokenizer *t, struct str text,
    struct openai_count *ret, struct error *e)
{
	unsigned op = WIRE_CHAT;
	struct body body;
	enum err err = admin_opt_enum(ad, "request", op_names, WIRE_OP__MAX,
	    &op, e);

	if (!err)
		err = body_scan(admin_arena(ad), text, &body, e);
	if (!err)
		*ret = admin_has(ad, "local")
			   ? openai_count_local((enum wire_op)op, &body, t)
			   : openai_count_prompt((enum wire_op)op, &body, t);
	return err;
}

static enum err
count(struct admin *ad, const struct tokenizer *t, struct str text,
    struct openai_count *ret, struct error *e)
{
	if (admin_has(ad, "request"))
		return count_prompt(ad, t, text, ret, e);
	ret->is_counted = true;
	return tokenizer_count(t, text, &ret->tok, e);
}

enum err
admin_tokens_count(struct admin *ad, struct error *e)
{
	struct tokenizer *t = NULL;
	struct openai_count n;
	struct str text;
	const char *path;
	char *part;
	enum err err;

	if (admin_has(ad, "encoding") == admin_has(ad, "file"))
		return admin_usage(e, "either --encoding or --file");
	if (admin_has(ad, "local") && !admin_has(ad, "request"))
		return admin_usage(e, "--local only goes with --request");
	err = find_path(ad, "file", &path, &part, e);
	if (!err)
		err = read_file(ad, admin_arg(ad, 0), &text, e);
	if (!err)
		err = tokenizer_open(path, &t, e);
	if (!err)
		err = count(ad, t, text, &n, e);
	if (!err) {
		admin_rec(ad);
		admin_str(ad, "encoding", tokenizer_name(t));
		admin_u64(ad, "bytes", text.n);
		admin_u64(ad, "tokens", n.tok);
		if (!n.is_counted)
			admin_bool(ad, "is_estimate", true);
	}
	tokenizer_close(t);
	return err;
}
