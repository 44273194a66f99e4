# SPDX-License-Identifier: MIT
# Unit tests, one fragment a folder of src/. Each program links only the
# libraries that its folder may use.
AM_CPPFLAGS += -I$(top_srcdir)/tests
EXTRA_DIST += tests/support/cmocka_tg.h tests/support/fixture_dir.h tests/support/fixture_memcached.h tests/support/fixture_script.h tests/support/fixture_sim.h tests/support/gpt2_tool.h tests/support/vocabulary.h

if HAVE_CMOCKA
AM_CFLAGS += $(CMOCKA_CFLAGS)
include tests/unit/admin/local.mk
include tests/unit/base/local.mk
include tests/unit/daemon/local.mk
include tests/unit/domain/local.mk
include tests/unit/handler/local.mk
include tests/unit/ext/local.mk
include tests/unit/gpt2/local.mk
include tests/unit/gpt2d/local.mk
include tests/unit/http/local.mk
include tests/unit/journal/local.mk
include tests/unit/tokenizer/local.mk
include tests/unit/upstream/local.mk
endif
