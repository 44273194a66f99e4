/* SPDX-License-Identifier: MIT */
#include "domain/customer.h"

#include "store/customer.h"

#define EMAIL_LOCAL_MAX 64 /* RFC 5321, 4.5.3.1.1 */

static bool
is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/* Atoms joined by single dots: RFC 5322, 3.2.3. */
static bool
is_dot_atom(struct str s)
{
	struct str atom;

	while (str_split(&s, '.', &atom)) {
		if (atom.n == 0)
			return false;
		for (size_t i = 0; i < atom.n; i++)
			if (!is_alphanumeric(atom.p[i]) &&
			    str_find(S("!#$%&'*+/=?^_`{|}~-"), atom.p[i]) == 19)
				return false;
	}
	return true;
}

/* At least two labels of letters, digits and inner hyphens: RFC 1035. */
static bool
is_domain(struct str s)
{
	struct str label;
	unsigned n_labels = 0;

	for (; str_split(&s, '.', &label); n_labels++) {
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_alphanumeric(label.p[i]) && label.p[i] != '-')
				return false;
	}
	return n_labels >= 2;
}

bool
email_is_valid(struct str email)
{
	size_t at = str_find(email, '@');

	return email.n <= CUSTOMER_EMAIL_BYTES && at > 0 && at < email.n &&
	       at <= EMAIL_LOCAL_MAX && is_dot_atom(str_make(email.p, at)) &&
	       is_domain(str_skip(email, at + 1));
}

static bool
has_control_character(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

static enum err
check_name(struct str s, const char *param, struct error *e)
{
	if (str_trim(s).n == 0 || s.n > CUSTOMER_NAME_BYTES ||
	    has_control_character(s) || !str_is_utf8(s))
		return error_public(e, ERR_BAD_PARAM, param,
		    "%s must be text of 1 to %d bytes without control "
		    "characters.",
		    param, CUSTOMER_NAME_BYTES);
	return OK;
}

enum err
customer_check(const struct customer *c, struct error *e)
{
	enum err rc = check_name(c->name, "name", e);

	if (!rc && c->company.p)
		rc = check_name(c->company, "company", e);
	if (rc)
		return rc;
	if (!email_is_valid(c->email))
		return error_public(e, ERR_BAD_PARAM, "email",
		    "email must be an address such as name@example.com.");
	return OK;
}
