# SPDX-License-Identifier: MIT
# Faults on stacks of their own: servers that vanish, disks that fill, workers
# that are killed. Those in long/ run with `tools/check --long` only.
EXTRA_DIST += \
	tests/fault/budget.mjs \
	tests/fault/budget.t \
	tests/fault/counted.t \
	tests/fault/database_down.t \
	tests/fault/database_restored.t \
	tests/fault/errors.mjs \
	tests/fault/errors.t \
	tests/fault/gpt2_killed.t \
	tests/fault/idempotency.t \
	tests/fault/journal_crash.t \
	tests/fault/journal_full.t \
	tests/fault/journal_rotation.t \
	tests/fault/lib.sh \
	tests/fault/long/gpt2_streams.t \
	tests/fault/long/journal_crash.t \
	tests/fault/long/limits.t \
	tests/fault/long/schemathesis.t \
	tests/fault/long/sums.t \
	tests/fault/long/workers_killed.t \
	tests/fault/workers_killed.t

if HAVE_CMOCKA
check_PROGRAMS += \
	tests/fault/journal_crash
tests_fault_journal_crash_SOURCES = tests/fault/journal_crash.c $(DB_FIXTURE)
tests_fault_journal_crash_LDADD = src/domain/libdomain.a \
	src/journal/libjournal.a $(DB_TEST_LDADD)
endif
