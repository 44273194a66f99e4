dnl SPDX-License-Identifier: MIT
dnl --enable-fuzz: fuzz targets become libFuzzer programs. Needs clang, and
dnl brings the sanitizers along. Call it after TG_SANITIZE.
AC_DEFUN([TG_FUZZ], [
	AC_ARG_ENABLE([fuzz],
	    [AS_HELP_STRING([--enable-fuzz],
	        [make the fuzz targets libFuzzer programs (clang)])],
	    [tg_fuzz=$enableval], [tg_fuzz=no])
	AS_IF([test "x$tg_fuzz" = xyes], [
		AX_CHECK_COMPILE_FLAG([-fsanitize=fuzzer-no-link], [],
		    [AC_MSG_ERROR([--enable-fuzz needs CC=clang])])
		AS_IF([test -z "$tg_sanitize"], [
			tg_sanitize=address,undefined
			SANITIZE_CFLAGS="-fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all"
			SANITIZE_CPPFLAGS="-DARENA_DEBUG"
		])
		SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fsanitize=fuzzer-no-link"
		FUZZ_LDFLAGS="-fsanitize=fuzzer"
	])
	AC_SUBST([FUZZ_LDFLAGS])
	AM_CONDITIONAL([TG_WITH_LIBFUZZER], [test "x$tg_fuzz" = xyes])
])
