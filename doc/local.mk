# SPDX-License-Identifier: MIT
# Manual pages and completions: what the programs say of themselves, so they
# are run to make them.
bashcompdir = $(datadir)/bash-completion/completions
zshcompdir = $(datadir)/zsh/site-functions
bashcomp_DATA = doc/completion/tollgate
zshcomp_DATA = doc/completion/_tollgate
nodist_man_MANS = \
	doc/tollgate.1 \
	doc/tollgate-gpt2.1 \
	doc/tollgate.conf.5 \
	doc/tollgate.fcgi.8
CLEANFILES += $(bashcomp_DATA) $(zshcomp_DATA) $(nodist_man_MANS)

TG_MANUAL = $(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(PYTHON3) $(srcdir)/tools/manual . $(@F) >$@.new && mv $@.new $@

doc/tollgate.1 doc/tollgate.conf.5: tools/manual src/admin/tollgate
	$(TG_MANUAL)
doc/tollgate-gpt2.1: tools/manual src/gpt2d/tollgate-gpt2
	$(TG_MANUAL)
doc/tollgate.fcgi.8: tools/manual src/daemon/tollgate.fcgi
	$(TG_MANUAL)
doc/completion/tollgate: tools/manual src/admin/tollgate
	$(TG_MANUAL)
doc/completion/_tollgate: tools/manual src/admin/tollgate
	$(TG_MANUAL)
