# SPDX-License-Identifier: MIT
EXTRA_DIST += \
	tools/lib/packages.sh \
	tools/lib/stack.sh \
	tools/lib/supervise
