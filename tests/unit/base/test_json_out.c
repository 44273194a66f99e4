/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/json_out.h"

static void
json_out__nested__commas_are_right(void **state)
{
	char room[512];
	struct buf b;
	struct json_out j;

	(void)state;
	buf_init_fixed(&b, room, sizeof(room));
	json_out_init(&j, &b);
	json_out_object(&j);
	json_out_member_str(&j, "s", S("a\"b"));
	json_out_key(&j, "list");
	json_out_array(&j);
	json_out_u64(&j, 1);
	json_out_object(&j);
	json_out_object_end(&j);
	json_out_array(&j);
	json_out_array_end(&j);
	json_out_array_end(&j);
	json_out_member_usd(&j, "cost", 1250000000);
	json_out_member_time(&j, "t", 0);
	json_out_member_null(&j, "n");
	json_out_member_bool(&j, "b", false);
	json_out_object_end(&j);

	assert_str_is(buf_str(&b),
	    "{\"s\":\"a\\\"b\",\"list\":[1,{},[]],\"cost\":0.00125,"
	    "\"t\":\"1970-01-01T00:00:00Z\",\"n\":null,\"b\":false}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_out__nested__commas_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
