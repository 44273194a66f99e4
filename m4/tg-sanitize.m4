dnl SPDX-License-Identifier: MIT
dnl --enable-sanitize[=LIST]: LIST is address,undefined (default) or thread.
AC_DEFUN([TG_SANITIZE], [
	AC_ARG_ENABLE([sanitize],
	    [AS_HELP_STRING([--enable-sanitize@<:@=LIST@:>@],
	        [build with sanitizers: address,undefined or thread])],
	    [tg_sanitize=$enableval], [tg_sanitize=])
	AS_IF([test "x$tg_sanitize" = xyes], [tg_sanitize=address,undefined])
	AS_IF([test "x$tg_sanitize" = xno], [tg_sanitize=])
	AS_IF([test -n "$tg_sanitize"], [
		SANITIZE_CFLAGS="-fsanitize=$tg_sanitize -fno-omit-frame-pointer -fno-sanitize-recover=all"
		# their frames are larger than the program's
		AX_CHECK_COMPILE_FLAG([-Wstack-usage=65536],
		    [SANITIZE_CFLAGS="$SANITIZE_CFLAGS -Wstack-usage=65536"],
		    [], [-Werror])
		SANITIZE_CPPFLAGS="-DARENA_DEBUG"
	], [
		SANITIZE_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"
		AS_CASE(["$CFLAGS"], [*-O0*], [SANITIZE_CPPFLAGS=])
	])
	AC_SUBST([SANITIZE_CFLAGS])
	AC_SUBST([SANITIZE_CPPFLAGS])
])
