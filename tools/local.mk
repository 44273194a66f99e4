# SPDX-License-Identifier: MIT
EXTRA_DIST += \
	tools/check \
	tools/lib/packages.sh \
	tools/lib/stack.sh \
	tools/lib/supervise \
	tools/quickstart
