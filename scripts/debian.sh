# Installing Debian's packages, for the scripts beside this file. Sourced, not run.

can_install_packages() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  if [ -z "${careroom_apt_updated:-}" ]; then
    apt-get -qq update </dev/null
    careroom_apt_updated=yes
  fi
  echo "Installing Debian packages: $*"
  apt-get -qq install --yes --no-install-recommends "$@" </dev/null >/dev/null
}
