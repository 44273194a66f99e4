#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the version: from git where there is one, else from the release.
set -u
release=0.1.0
here=$(dirname "$0")/..
if [ -f "$here/.tarball-version" ]; then
	cat "$here/.tarball-version"
elif hash=$(git -C "$here" rev-parse --short=8 HEAD 2>/dev/null); then
	echo "$release-g$hash"
else
	echo "$release"
fi
