/* SPDX-License-Identifier: MIT */
#include "tokenizer/encoding.h"

static const struct {
	struct str model, encoding;
} rows[] = {
#define ENCODING(model, encoding) { STR_INIT(model), STR_INIT(encoding) },
#include "tokenizer/encodings.def"
};

static bool
fits(struct str row, struct str model)
{
	if (str_ends(row, S("*")))
		return str_starts(model, str_make(row.p, row.n - 1));
	return str_eq(row, model);
}

struct str
encoding_of_model(struct str model)
{
	if (str_starts(model, S("ft:"))) {
		model = str_skip(model, 3);
		model.n = str_find(model, ':');
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (fits(rows[i].model, model))
			return rows[i].encoding;
	return (struct str){ NULL, 0 };
}
