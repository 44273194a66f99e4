/* SPDX-License-Identifier: MIT */
#include "domain/model_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ext/json.h"

#define CONFIG_BYTES       KIB(256) /* of a config.json that is looked into */
#define CONFIG_DEPTH       16
#define CONTEXT_LENGTH_MAX 1000000000

static const char *const files[] = { "config.json", "model.safetensors",
	"vocab.json", "merges.txt" };

/* A path of the system without its symbolic links. */
struct resolved {
	char text[PATH_MAX];
};

static enum err
bad_path(const char *what, struct error *e)
{
	return error_public(e, ERR_BAD_PARAM, "model_path", "'model_path' %s.",
	    what);
}

static enum err
check_text(struct str path, struct error *e)
{
	struct str rest = path, piece;

	if (path.n == 0 || path.n > MODEL_PATH_BYTES)
		return bad_path("must have 1 to 512 bytes", e);
	for (size_t i = 0; i < path.n; i++)
		if ((unsigned char)path.p[i] < ' ' || path.p[i] == 0x7f)
			return bad_path("must not hold control characters", e);
	while (str_split(&rest, '/', &piece))
		if (str_eq(piece, S("..")))
			return bad_path("must not hold '..'", e);
	return OK;
}

/* Whether full lies below folder; both without symbolic links. */
static bool
is_below(const char *full, const char *folder)
{
	size_t n = strlen(folder);

	while (n > 0 && folder[n - 1] == '/')
		n--;
	return strncmp(full, folder, n) == 0 && full[n] == '/' && full[n + 1];
}

/* A full path is refused by its text first, so that nothing can be learnt
 * about the rest of the file system. */
static enum err
find_folder(const char *directory, struct str path, struct arena *a,
    struct resolved *root, struct resolved *full, struct error *e)
{
	bool is_full = path.p[0] == '/';
	const char *joined =
	    is_full
		? arena_cstr(a, path)
		: arena_printf(a, "%s/%" PRI_STR, directory, STR_ARG(path)).p;
	struct stat st;

	if (!joined)
		return error_arena(e, a);
	if (!realpath(directory, root->text))
		return bad_path("can't be found: models.directory does not "
				"exist on this host or can't be read",
		    e);
	if (is_full && !is_below(joined, directory) &&
	    !is_below(joined, root->text))
		return bad_path("must lie below models.directory", e);
	if (!realpath(joined, full->text))
		return bad_path(errno == ENOENT || errno == ENOTDIR
				    ? "names no folder below models.directory"
				    : "can't be read",
		    e);
	if (!is_below(full->text, root->text))
		return bad_path("must lie below models.directory", e);
	if (stat(full->text, &st) != 0 || !S_ISDIR(st.st_mode))
		return bad_path("names no folder below models.directory", e);
	return OK;
}

/* Hugging Face's own cache links its files, so a file may be a link, too:
 * to a place below models.directory. */
static enum err
check_file(const char *name, struct arena *a, const struct resolved *root,
    const struct resolved *full, struct error *e)
{
	const char *joined = arena_printf(a, "%s/%s", full->text, name).p;
	struct resolved file;
	struct stat st;

	if (!joined)
		return error_arena(e, a);
	if (!realpath(joined, file.text) || stat(file.text, &st) != 0 ||
	    !S_ISREG(st.st_mode))
		return error_public(e, ERR_BAD_PARAM, "model_path",
		    "The folder in 'model_path' has no file %s.", name);
	if (!is_below(file.text, root->text))
		return error_public(e, ERR_BAD_PARAM, "model_path",
		    "%s in 'model_path' leads out of models.directory.", name);
	return OK;
}

static struct str
read_config(struct arena *a, const char *folder)
{
	const char *name = arena_printf(a, "%s/config.json", folder).p;
	int fd = name ? open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	char *text = fd < 0 ? NULL : arena_alloc(a, CONFIG_BYTES);
	ssize_t got = text ? read(fd, text, CONFIG_BYTES) : -1;

	if (fd >= 0)
		(void)close(fd); /* it was only read */
	return got > 0 && (size_t)got < CONFIG_BYTES
		   ? str_make(text, (size_t)got)
		   : str_make(NULL, 0);
}

/* A file that does not say it is the model server's to refuse. */
static int64_t
context_length_of(struct arena *a, const char *folder)
{
	static const char *const names[] = { "n_positions", "n_ctx" };
	struct str text = read_config(a, folder);
	const struct json *config;
	struct error e;
	uint64_t n;

	if (!text.p || json_parse_object(a, text, CONFIG_DEPTH, &config, &e))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (json_has(config, names[i]) &&
		    !json_get_u64(config, names[i], 1, CONTEXT_LENGTH_MAX, &n,
			&e))
			return (int64_t)n;
	return -1;
}

enum err
model_folder_find(const char *directory, struct str path, struct arena *a,
    struct model_folder *ret, struct error *e)
{
	struct resolved root, full;
	struct model_folder f;
	enum err err = check_text(path, e);

	if (!err)
		err = find_folder(directory, path, a, &root, &full, e);
	for (size_t i = 0; i < ARRAY_LEN(files) && !err; i++)
		err = check_file(files[i], a, &root, &full, e);
	if (err)
		return err;
	f.full = arena_cstr(a, str_from(full.text));
	if (!f.full)
		return error_arena(e, a);
	f.relative = str_skip(str_from(f.full), strlen(root.text));
	while (str_starts(f.relative, S("/")))
		f.relative = str_skip(f.relative, 1);
	f.context_length = context_length_of(a, f.full);
	if (a->sticky)
		return error_arena(e, a);
	*ret = f;
	return OK;
}
