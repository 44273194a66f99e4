/* SPDX-License-Identifier: MIT */
/*
 * The folder of a local model: a Hugging Face checkpoint below
 * models.directory, and nowhere else, whatever names and symbolic links say.
 * Whether the checkpoint is one that can be served is for the model server
 * to find out.
 */
#ifndef TG_DOMAIN_MODEL_FOLDER_H
#define TG_DOMAIN_MODEL_FOLDER_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define MODEL_PATH_BYTES 512

struct model_folder {
	const char *full;       /* without symbolic links */
	struct str relative;    /* full, from models.directory on */
	int64_t context_length; /* as config.json has it; -1: it does not say */
};

/**
 * Find a folder and look whether a checkpoint's files are there.
 * @directory  models.directory
 * @path       below it; or a full path that lies below it
 * Errors: ERR_BAD_PARAM "model_path" with words for the operator;
 *         ERR_NO_MEMORY.
 * Memory: a.
 */
enum err model_folder_find(const char *directory, struct str path,
    struct arena *a, struct model_folder *ret, struct error *e) ATTR_MUST_CHECK;

#endif
