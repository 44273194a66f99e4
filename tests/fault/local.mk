# SPDX-License-Identifier: MIT
# Faults on stacks of their own: servers that vanish, disks that fill.
EXTRA_DIST += \
	tests/fault/errors.mjs \
	tests/fault/errors.t
