# make install, uninstall, deb, check-deb. Where things go follows PREFIX; a distribution's package sets
# the rest (packaging/debian/rules).
PREFIX := /usr/local
BINDIR := $(PREFIX)/bin
LIBDIR := $(PREFIX)/lib
DATADIR := $(PREFIX)/share
UNITDIR := $(LIBDIR)/systemd/system
UDEVDIR := $(LIBDIR)/udev
ZSHDIR := $(DATADIR)/zsh/site-functions
SYSCONFDIR := /etc

# Below DESTDIR: FILE -> where to.
D_BIN := $(DESTDIR)$(BINDIR)
D_DATA := $(DESTDIR)$(DATADIR)/firn
INSTALL_DATA := install -D -m 644

INSTALLED = $(addprefix $(D_BIN)/,firn firnd) \
  $(DESTDIR)$(LIBDIR)/firn/firn-sim.so \
  $(foreach page,$(wildcard man/*),$(DESTDIR)$(DATADIR)/man/man$(lastword $(subst ., ,$(page)))/$(notdir $(page))) \
  $(DESTDIR)$(DATADIR)/bash-completion/completions/firn $(DESTDIR)$(DATADIR)/bash-completion/completions/firnd \
  $(DESTDIR)$(ZSHDIR)/_firn \
  $(DESTDIR)$(UNITDIR)/firnd.service $(DESTDIR)$(UNITDIR)/firnd.socket \
  $(DESTDIR)$(UDEVDIR)/rules.d/60-firn.rules \
  $(DESTDIR)$(LIBDIR)/sysusers.d/firn.conf $(DESTDIR)$(LIBDIR)/sysusers.d/firnd.conf \
  $(DESTDIR)$(LIBDIR)/tmpfiles.d/firnd.conf

install: all ## install to PREFIX (default /usr/local), below DESTDIR
	install -D -m 755 $B/firn $(D_BIN)/firn
	install -D -m 755 $B/firnd $(D_BIN)/firnd
	$(INSTALL_DATA) $B/firn-sim.so $(DESTDIR)$(LIBDIR)/firn/firn-sim.so
	install -d $(D_DATA)
	rm -rf $(D_DATA)/firmware-src $(D_DATA)/toolchains
	cp -r firmware-src toolchains $(D_DATA)/
	find $(D_DATA) -type d -exec chmod 755 {} + -o -perm /100 -exec chmod 755 {} + -o -exec chmod 644 {} +
	$(INSTALL_DATA) manifests/manifest.schema.json $(D_DATA)/manifest.schema.json
	for page in man/*; do \
	    $(INSTALL_DATA) $$page $(DESTDIR)$(DATADIR)/man/man$${page##*.}/$${page#man/} || exit; done
	$(INSTALL_DATA) completions/firn.bash $(DESTDIR)$(DATADIR)/bash-completion/completions/firn
	ln -sf firn $(DESTDIR)$(DATADIR)/bash-completion/completions/firnd
	$(INSTALL_DATA) completions/_firn $(DESTDIR)$(ZSHDIR)/_firn
	install -d $(DESTDIR)$(UNITDIR)
	sed 's,@bindir@,$(BINDIR),' packaging/firnd.service >$(DESTDIR)$(UNITDIR)/firnd.service
	chmod 644 $(DESTDIR)$(UNITDIR)/firnd.service
	$(INSTALL_DATA) packaging/firnd.socket $(DESTDIR)$(UNITDIR)/firnd.socket
	$(INSTALL_DATA) packaging/60-firn.rules $(DESTDIR)$(UDEVDIR)/rules.d/60-firn.rules
	for name in firn firnd; do \
	    $(INSTALL_DATA) packaging/$$name-sysusers.conf $(DESTDIR)$(LIBDIR)/sysusers.d/$$name.conf || exit; done
	$(INSTALL_DATA) packaging/firnd-tmpfiles.conf $(DESTDIR)$(LIBDIR)/tmpfiles.d/firnd.conf
	[ -e $(DESTDIR)$(SYSCONFDIR)/firn/firnd.yaml ] || \
	    install -D -m 640 packaging/firnd.yaml $(DESTDIR)$(SYSCONFDIR)/firn/firnd.yaml

uninstall: ## remove what install put there; firnd.yaml and /var/lib/firn stay
	rm -f $(INSTALLED)
	rm -rf $(D_DATA)
	rmdir --ignore-fail-on-non-empty $(DESTDIR)$(LIBDIR)/firn

deb: ## Debian packages firn and firnd, in build/deb
	@packaging/build-deb build/deb

check-deb: deb ## the Debian packages: lintian, installed into a root of their own, used, removed (needs root)
	@$(PROVE) -v tests/packaging/*.sh

.PHONY: install uninstall deb check-deb
