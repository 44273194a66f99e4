/* SPDX-License-Identifier: MIT */
/* limits.* of the configuration. */
#include "domain/limit.h"

enum err
limit_settings_read(const struct conf *c, struct limit_settings *ret,
    struct error *e)
{
	struct str others = str_from(conf_text(c, CONF_LIMITS_OTHERS));
	struct limit_settings s = {
		.on_failure = (enum conf_on_failure)conf_enum(c,
		    CONF_LIMITS_ON_FAILURE),
		.is_shadow = conf_bool(c, CONF_LIMITS_SHADOW),
		.failed_keys = (uint32_t)conf_u64(c, CONF_LIMITS_FAILED_KEYS),
	};

	if (limit_set_parse(others, &s.defaults, e)) {
		e->code = ERR_CONFIG;
		return error_prefix(e, "limits.others");
	}
	if (limit_set_states(&s.defaults, LIMIT_KEY_MODEL_REQUESTS_MINUTE) ||
	    limit_set_states(&s.defaults, LIMIT_KEY_MODEL_REQUESTS_HOUR))
		return error_set(e, ERR_CONFIG,
		    "limits.others: key_model.requests.minute and .hour are "
		    "limits.requests_per_minute and limits.requests_per_hour");
	limit_set_put(&s.defaults, LIMIT_KEY_MODEL_REQUESTS_MINUTE,
	    (int64_t)conf_u64(c, CONF_LIMITS_RPM));
	limit_set_put(&s.defaults, LIMIT_KEY_MODEL_REQUESTS_HOUR,
	    (int64_t)conf_u64(c, CONF_LIMITS_RPH));
	*ret = s;
	return OK;
}
