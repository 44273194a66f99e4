# SPDX-License-Identifier: MIT
"""What schemathesis is told beside the description: who asks, and that
`default` describes nothing."""
import os
import re

import requests
import schemathesis

URL = os.environ["TOLLGATE_URL"]
OPERATOR = {"X-API-Key": os.environ["TOLLGATE_OPERATOR_KEY"]}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Without `default`, which would describe any status at all: what an
    answer may be is what is named."""
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            if isinstance(operation, dict):
                operation["responses"].pop("default", None)


def make_key():
    """The operator's, or one of a new customer's owner that may do all."""
    if os.environ["SCHEMATHESIS_ROLE"] == "operator":
        return OPERATOR["X-API-Key"]
    name = os.urandom(6).hex()
    customer = requests.post(f"{URL}/customers", headers=OPERATOR, timeout=10,
                             json={"name": name, "email": f"{name}@example.com"})
    key = requests.post(f"{URL}/api/keys", headers=OPERATOR, timeout=10,
                        json={"customer_id": customer.json()["id"], "name": name,
                              "scopes": ["infer", "manage"]})
    return key.json()["key"]


@schemathesis.auth(refresh_interval=None, retry_on=[])
class Credential:
    key = None

    def get(self, case, context):
        if Credential.key is None:
            Credential.key = make_key()
        return Credential.key

    def set(self, case, data, context):
        case.headers = {**(case.headers or {}), "X-API-Key": data}


@schemathesis.hook
def after_call(context, case, response):
    """What was tried has revoked the key that asks: another one, then."""
    sent = response.request.headers.get("X-API-Key")
    if response.status_code == 401 and sent == Credential.key:
        Credential.key = None


# 400 for what the description's schemas allow: rules that need more than one
# member, or what is in the database. By the error's `param`.
BEYOND_SCHEMAS = {
    "allowed_ips",  # are addresses
    "allowed_members",  # that some wire format has
    "allowed_models",  # are there
    "amount_usd",  # of twelve decimals at most, and a credit's isn't "0"
    "api_key",  # goes with `api_url`, which goes with no other place
    "api_url",
    "base_url",  # has a host and no spaces
    "cursor",  # is one that a list has given
    "customer_email",  # or its number, and one of them
    "customer_id",  # operators say whose it is
    "default_max_output",  # at most `max_output`, which is at most the context
    "expires_at",  # lies ahead
    "from",  # before `to`, neither before 1970
    "max_output",
    "model",  # of a filter: is there
    "model_config",  # names one place
    "model_path",
    "name",  # without control characters
    "preload",  # with `model_path`
    "project_id",  # of this customer
    "provider",
    "rate_limit_per_hour",  # or its name in `rate_limits`, not both
    "rate_limit_per_minute",
    "rate_limit_tier",  # for operators
    "request_timestamp",  # of the last 366 days
    "role",  # operators belong to no customer
    "stream_options",  # with `stream`
    "to",
    "upstream_name",  # not beside `model_name`, which is the same
    "user_id",  # of this customer
    "webhook_url",  # has a host, a public one
    "x-tollgate-agent-id",  # of this customer, as the next two
    "x-tollgate-connector-id",
    "x-tollgate-user-id",
}


# And those that hold for any member.
IN_WORDS = ("must be a date or time", "holds a control character",
            "written with escapes", "escaped U+0000", "an amount in USD",
            "of at most six places")


def is_the_web_servers(response):
    """Framing and characters that never reach a worker (doc/architecture.md)."""
    return ("x-request-id" not in response.headers
            and response.status_code in (400, 403, 405, 411, 413, 414, 431, 501))


def named(failure):
    """The parameter or member that a failure is about."""
    found = re.search(r"parameter `([^`]+)` in query|in body - ([^:]+):", failure.message)
    return (found[1], found[2]) if found else (None, None)


def has_null(value, name):
    """Null counts as absent, also in an object in an object."""
    if not isinstance(value, dict):
        return False
    return value.get(name, 0) is None or any(
        inner is None for v in value.values() if isinstance(v, dict) for inner in v.values())


def has_whole_float(value):
    if isinstance(value, float):
        return value.is_integer()
    inner = (value.values() if isinstance(value, dict)
             else value if isinstance(value, list) else ())
    return any(has_whole_float(v) for v in inner)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether it counts. What doesn't is described in words."""
    kind = type(failure).__name__
    if is_the_web_servers(response):
        return False
    if response.status_code == 412 and "If-Match" in case.headers:
        return False
    if kind == "RejectedPositiveData" and response.status_code == 400:
        error = response.json()["error"]
        if any(words in error["message"] for words in IN_WORDS):
            return False
        is_number_text = ("whole number" in error["message"]
                          and has_whole_float(case.body))
        return error["param"] not in BEYOND_SCHEMAS and not is_number_text
    if kind == "AcceptedNegativeData":
        parameter, member = named(failure)
        if parameter:
            return (case.query or {}).get(parameter) != ""
        return not has_null(case.body, member)
    if kind in ("UnsupportedMethodResponse", "AllowHeaderMismatch"):
        # {id} takes that word, too; there is no such key.
        return "/api/keys/revoke" not in response.request.url
    return True
