dnl SPDX-License-Identifier: MIT
dnl TG_CFLAGS, TG_LDFLAGS: warnings and hardening that the compiler knows.
dnl The user's CFLAGS are never touched.
AC_DEFUN([TG_ADD_FLAG], [
	AX_CHECK_COMPILE_FLAG([$1], [TG_CFLAGS="$TG_CFLAGS $1"], [], [-Werror])
])

AC_DEFUN([TG_WARNINGS], [
	m4_foreach_w([flag], [-Wall -Wextra -Wpedantic -Wshadow -Wconversion
	    -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
	    -Wmissing-declarations -Wold-style-definition -Wpointer-arith
	    -Wcast-qual -Wcast-align=strict -Wwrite-strings -Wundef -Wvla
	    -Walloca -Wformat=2 -Wformat-signedness -Wswitch-enum
	    -Wimplicit-fallthrough -Wnull-dereference -Wdouble-promotion
	    -Wfloat-equal -Wduplicated-cond -Wduplicated-branches -Wlogical-op
	    -Wjump-misses-init -Wstack-usage=16384 -Wunused-result],
	    [TG_ADD_FLAG(flag)])
	AC_ARG_ENABLE([werror],
	    [AS_HELP_STRING([--enable-werror], [make warnings fatal])],
	    [tg_werror=$enableval], [tg_werror=no])
	AS_IF([test "x$tg_werror" = xyes], [TG_CFLAGS="$TG_CFLAGS -Werror"])
	AC_SUBST([TG_CFLAGS])
])

AC_DEFUN([TG_HARDENING], [
	m4_foreach_w([flag], [-fstack-protector-strong -fstack-clash-protection
	    -fcf-protection=full -fPIE -ftrivial-auto-var-init=zero
	    -fno-strict-overflow -fno-delete-null-pointer-checks -fno-common],
	    [TG_ADD_FLAG(flag)])
	TG_LDFLAGS="-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed"
	AC_SUBST([TG_LDFLAGS])
])
