/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <sys/stat.h>

#include "domain/model_folder.h"
#include "support/fixture_dir.h"

/* root/models is models.directory; root/outside holds what must not be
 * reached. */
static struct fixture_dir root;
static char models[128];
static struct arena a;
static struct error e;

static void
put(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", root.path, folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static void
make_folder(const char *name, const char *config)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", root.path, name);
	assert_int_equal(mkdir(path, 0755), 0);
	put(name, "config.json", config);
	put(name, "model.safetensors", "x");
	put(name, "vocab.json", "{}");
	put(name, "merges.txt", "x");
}

static void
make_link(const char *target, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", root.path, name);
	assert_int_equal(symlink(target, path), 0);
}

static void
take_away(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", root.path, name);
	assert_int_equal(unlink(path), 0);
}

static int
setup(void **state)
{
	(void)state;
	fixture_dir_make(&root);
	(void)snprintf(models, sizeof(models), "%s/models", root.path);
	assert_int_equal(mkdir(models, 0755), 0);
	make_folder("outside", "{}");
	make_folder("models/gpt2", "{\"n_positions\":1024,\"n_ctx\":7}");
	arena_init(&a, MIB(8));
	return 0;
}

static int
teardown(void **state)
{
	char command[200];
	static const char *const folders[] = { "models/gpt2", "models/other",
		"models/deep/er", "models/deep", "models", "outside" };

	(void)state;
	arena_fini(&a);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		struct fixture_dir d;

		(void)snprintf(command, sizeof(command), "%s/%s", root.path,
		    folders[i]);
		assert_true(strlen(command) < sizeof(d.path));
		memcpy(d.path, command, strlen(command) + 1);
		fixture_dir_remove(&d);
	}
	fixture_dir_remove(&root);
	return 0;
}

static enum err
find(const char *path, struct model_folder *ret)
{
	return model_folder_find(models, str_from(path), &a, ret, &e);
}

static void
assert_refused(const char *path)
{
	struct model_folder f;

	if (find(path, &f) != ERR_BAD_PARAM)
		fail_msg("found: %s", path);
	assert_string_equal(e.param, "model_path");
	assert_null(strstr(e.public_text, root.path));
}

static void
model_folder_find__names_of_one_folder__are_the_same(void **state)
{
	char full[160];
	const char *const names[] = { "gpt2", "gpt2/", "./gpt2", "gpt2/.",
		full };
	struct model_folder f;

	(void)state;
	(void)snprintf(full, sizeof(full), "%s/gpt2", models);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_ok(find(names[i], &f));
		assert_string_equal(f.full, full);
		assert_str_is(f.relative, "gpt2");
		assert_int_equal(f.context_length, 1024);
	}
}

static void
model_folder_find__ways_out__are_refused(void **state)
{
	static const char *const ways[] = { "", ".", "..", "/", "../outside",
		"gpt2/..", "gpt2/../../outside", "gpt2/../gpt2", "/etc", "out",
		"out/", "alias/../outside", "none", "gpt2/config.json",
		"gpt2\n", "broken" };
	char sibling[160];

	(void)state;
	make_link("../outside", "models/out");
	make_link("gpt2", "models/alias");
	make_link("nowhere", "models/broken");
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		assert_refused(ways[i]);
	/* A name that begins as the directory's does is another's. */
	make_folder("models-2", "{}");
	(void)snprintf(sibling, sizeof(sibling), "%s-2", models);
	assert_refused(sibling);
	(void)snprintf(sibling, sizeof(sibling), "%s/outside", root.path);
	assert_refused(sibling);
	take_away("models-2/config.json");
	take_away("models-2/model.safetensors");
	take_away("models-2/vocab.json");
	take_away("models-2/merges.txt");
	(void)snprintf(sibling, sizeof(sibling), "%s-2", models);
	assert_int_equal(rmdir(sibling), 0);
}

static void
model_folder_find__link_inside__is_its_target(void **state)
{
	struct model_folder f;

	(void)state;
	make_link("gpt2", "models/alias");
	assert_ok(find("alias", &f));
	assert_str_is(f.relative, "gpt2");
}

static void
model_folder_find__file_missing_or_elsewhere__is_named(void **state)
{
	(void)state;
	take_away("models/gpt2/merges.txt");
	assert_refused("gpt2");
	assert_non_null(strstr(e.public_text, "merges.txt"));

	make_link("../../outside/merges.txt", "models/gpt2/merges.txt");
	assert_refused("gpt2");
	assert_non_null(strstr(e.public_text, "leads out"));
}

static void
model_folder_find__config_that_says_nothing__is_the_servers_to_refuse(
    void **state)
{
	static const char *const configs[] = { "", "no json", "[]", "{}",
		"{\"n_positions\":-1}", "{\"n_positions\":\"x\"}" };
	struct model_folder f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
		put("models/gpt2", "config.json", configs[i]);
		assert_ok(find("gpt2", &f));
		assert_int_equal(f.context_length, -1);
	}
	put("models/gpt2", "config.json", "{\"n_ctx\":7}");
	assert_ok(find("gpt2", &f));
	assert_int_equal(f.context_length, 7);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(model_folder_find__names_of_one_folder__are_the_same),
		T(model_folder_find__ways_out__are_refused),
		T(model_folder_find__link_inside__is_its_target),
		T(model_folder_find__file_missing_or_elsewhere__is_named),
		T(model_folder_find__config_that_says_nothing__is_the_servers_to_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
