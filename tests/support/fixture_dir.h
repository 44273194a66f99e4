/* SPDX-License-Identifier: MIT */
/* A private folder of one test program, gone when the program ends. */
#ifndef TG_TESTS_FIXTURE_DIR_H
#define TG_TESTS_FIXTURE_DIR_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture_dir {
	char path[64];
};

static inline void
fixture_dir_make(struct fixture_dir *d)
{
	(void)snprintf(d->path, sizeof(d->path), "/tmp/tg-test-XXXXXX");
	if (!mkdtemp(d->path)) {
		perror(d->path);
		exit(1);
	}
}

/* The folder holds files only. */
static inline void
fixture_dir_remove(const struct fixture_dir *d)
{
	DIR *dir = opendir(d->path);
	char file[400];

	for (struct dirent *f = dir ? readdir(dir) : NULL; f;
	     f = readdir(dir)) {
		(void)snprintf(file, sizeof(file), "%s/%s", d->path, f->d_name);
		(void)unlink(file);
	}
	if (dir)
		(void)closedir(dir);
	(void)rmdir(d->path);
}

#endif
