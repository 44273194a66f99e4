# SPDX-License-Identifier: MIT
# Unit tests, one fragment a folder of src/. Each program links only the
# libraries that its folder may use.
UNIT_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) -Wno-stack-usage
UNIT_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests

if HAVE_CMOCKA
include tests/unit/base/local.mk
endif
