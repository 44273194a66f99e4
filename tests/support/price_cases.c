/* SPDX-License-Identifier: MIT */
/*
 * What requests cost by domain/price, for tests/wire/money.t, which works it
 * out anew. A line in: markup in millionths, price per request, 16 prices, 16
 * counts. A line out: what is charged and what the provider costs, in
 * pico-USD, or "range". At the end: "sum" and what all were charged.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/money.h"
#include "domain/price.h"
#include "store/price.h"

static bool
read_case(struct price *p, struct tokens *t, uint64_t *markup_ppm)
{
	if (scanf("%" SCNu64 " %" SCNd64, markup_ppm, &p->request_pusd) != 2)
		return false;
	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int c = 0; c < TOK_CLASS__MAX; c++)
			if (scanf("%" SCNd64, &p->tok_pusd[x][c]) != 1)
				return false;
	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int c = 0; c < TOK_CLASS__MAX; c++)
			if (scanf("%" SCNu64, &t->tok[x][c]) != 1)
				return false;
	return true;
}

int
main(void)
{
	uint64_t markup_ppm;
	struct price p = { 0 };
	struct tokens t;
	int64_t sum_pusd = 0;
	bool is_too_much = false;
	struct error e;

	while (read_case(&p, &t, &markup_ppm)) {
		struct cost cost;

		if (price_cost(&p, &t, markup_ppm, &cost, &e)) {
			puts("range");
			continue;
		}
		printf("%" PRId64 " %" PRId64 "\n", cost.charged_pusd,
		    cost.provider_pusd);
		if (money_add(sum_pusd, cost.charged_pusd, &sum_pusd, &e))
			is_too_much = true;
	}
	if (is_too_much)
		puts("sum range");
	else
		printf("sum %" PRId64 "\n", sum_pusd);
	return 0;
}
