dnl SPDX-License-Identifier: MIT
dnl Libraries whose packages do not all bring a .pc file.
AC_DEFUN([TG_FCGI], [
	PKG_CHECK_MODULES([FCGI], [fcgi >= 2.4.0], [], [
		AC_CHECK_HEADER([fcgiapp.h], [],
		    [AC_MSG_ERROR([fcgiapp.h not found: install libfcgi-dev])])
		AC_CHECK_LIB([fcgi], [FCGX_Accept_r], [FCGI_LIBS=-lfcgi],
		    [AC_MSG_ERROR([libfcgi not found: install libfcgi-dev])])
		AC_SUBST([FCGI_LIBS])
	])
])

dnl MariaDB's client library or MySQL's, whichever the host has.
AC_DEFUN([TG_MYSQL], [
	tg_mysql_name=
	m4_foreach_w([name], [libmariadb mariadb mysqlclient], [
		AS_IF([test -z "$tg_mysql_name"], [
			PKG_CHECK_MODULES([MYSQL], name, [tg_mysql_name=name], [:])
		])
	])
	AS_IF([test -z "$tg_mysql_name"], [
		AC_PATH_PROGS([MYSQL_CONFIG], [mariadb_config mysql_config])
		AS_IF([test -z "$MYSQL_CONFIG"],
		    [AC_MSG_ERROR([no client library of MariaDB or MySQL: install libmariadb-dev or libmysqlclient-dev])])
		MYSQL_CFLAGS=`$MYSQL_CONFIG --include`
		MYSQL_LIBS=`$MYSQL_CONFIG --libs`
		tg_mysql_name=$MYSQL_CONFIG
	])
	AC_SUBST([MYSQL_CFLAGS])
	AC_SUBST([MYSQL_LIBS])
	tg_save_CPPFLAGS=$CPPFLAGS
	CPPFLAGS="$CPPFLAGS $MYSQL_CFLAGS"
	AC_CHECK_TYPES([my_bool], [], [], [[#include <mysql.h>]])
	CPPFLAGS=$tg_save_CPPFLAGS
])

# TG_UNISTRING: Unicode's classes of characters.  It has no pkg-config file.
AC_DEFUN([TG_UNISTRING], [
	AC_CHECK_HEADER([unictype.h], [],
		[AC_MSG_ERROR([no <unictype.h>: install libunistring-dev])])
	AC_CHECK_LIB([unistring], [uc_general_category],
		[UNISTRING_LIBS=-lunistring],
		[AC_MSG_ERROR([no libunistring: install libunistring-dev])])
	AC_SUBST([UNISTRING_LIBS])
])
