# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/store/libstore.a
