# SPDX-License-Identifier: MIT
# Web servers' configuration: filled in at make time, because only make knows
# the folders. tools/lib/stack.sh fills in the same files for private stacks.
httpd_conf_in = \
	httpd-conf/apache/standalone.conf.in \
	httpd-conf/apache/tollgate-common.conf.in \
	httpd-conf/apache/tollgate-fcgid.conf.in \
	httpd-conf/apache/tollgate-proxy.conf.in \
	httpd-conf/lighttpd/compress.conf.in \
	httpd-conf/lighttpd/standalone.conf.in \
	httpd-conf/lighttpd/tollgate.conf.in \
	httpd-conf/systemd/tollgate-memcached.service.in \
	httpd-conf/systemd/tollgate-models.service.in \
	httpd-conf/systemd/tollgate.service.in \
	httpd-conf/systemd/tollgate.socket.in
EXTRA_DIST += $(httpd_conf_in)

# The standalone files are for private stacks and are not installed.
httpd_conf_made = \
	httpd-conf/apache/tollgate-common.conf \
	httpd-conf/apache/tollgate-fcgid.conf \
	httpd-conf/apache/tollgate-proxy.conf \
	httpd-conf/lighttpd/compress.conf \
	httpd-conf/lighttpd/tollgate.conf \
	httpd-conf/systemd/tollgate-memcached.service \
	httpd-conf/systemd/tollgate-models.service \
	httpd-conf/systemd/tollgate.service \
	httpd-conf/systemd/tollgate.socket
httpdconfdir = $(pkgdatadir)/httpd-conf
nobase_pkgdata_DATA = $(httpd_conf_made)
CLEANFILES += $(httpd_conf_made)

$(httpd_conf_made): Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed \
	    -e 's|@tollgate[@]|$(bindir)/tollgate|g' \
	    -e 's|@worker[@]|$(libexecdir)/tollgate.fcgi|g' \
	    -e 's|@config[@]|$(sysconfdir)/tollgate/tollgate.conf|g' \
	    -e 's|@run_dir[@]|$(runstatedir)/tollgate|g' \
	    -e 's|@state_dir[@]|$(localstatedir)/lib/tollgate|g' \
	    -e 's|@socket[@]|$(runstatedir)/tollgate/worker.sock|g' \
	    -e 's|@static_dir[@]|$(tgtemplatesdir)/static|g' \
	    -e 's|@common[@]|$(pkgdatadir)/httpd-conf/apache/tollgate-common.conf|g' \
	    -e 's|@server_name[@]|ai.example.org|g' \
	    -e 's|@host_is[@]|== "ai.example.org"|g' \
	    -e 's|@listen[@]|*:80|g' \
	    -e 's|@body_max_kib[@]|33792|g' \
	    -e 's|@body_max_bytes[@]|34603008|g' \
	    -e 's|@silence_s[@]|900|g' \
	    -e 's|@max_fds[@]|16384|g' \
	    -e 's|@max_connections[@]|8000|g' \
	    -e 's|@user[@]|www-data|g' \
	    -e 's/@allow_ip_regex[@]/^(127\\.|::1$$)/g' \
	    -e 's|@allow_ip[@]|127.0.0.0/8 ::1|g' \
	    -e 's|@processes[@]|2|g' \
	    -e 's|@threads[@]|256|g' \
	    -e 's|@fcgid_processes[@]|64|g' \
	    -e 's|@all_threads[@]|512|g' \
	    $(srcdir)/$@.in >$@.new && ! grep -H '@[a-z_]*@' $@.new && mv $@.new $@
httpd-conf/apache/tollgate-common.conf: httpd-conf/apache/tollgate-common.conf.in
httpd-conf/apache/tollgate-fcgid.conf: httpd-conf/apache/tollgate-fcgid.conf.in
httpd-conf/apache/tollgate-proxy.conf: httpd-conf/apache/tollgate-proxy.conf.in
httpd-conf/lighttpd/compress.conf: httpd-conf/lighttpd/compress.conf.in
httpd-conf/lighttpd/tollgate.conf: httpd-conf/lighttpd/tollgate.conf.in
httpd-conf/systemd/tollgate-memcached.service: httpd-conf/systemd/tollgate-memcached.service.in
httpd-conf/systemd/tollgate-models.service: httpd-conf/systemd/tollgate-models.service.in
httpd-conf/systemd/tollgate.service: httpd-conf/systemd/tollgate.service.in
httpd-conf/systemd/tollgate.socket: httpd-conf/systemd/tollgate.socket.in
