#!/bin/sh
# Make a Debian system fit for krsi: as a hook of mmdebstrap for the lab's image and for the Vagrant box, and as the
# provisioner of any other Vagrant guest. Running it again changes nothing.
set -eu

packages=$(sed '/^#/d; /^$/d' "$(dirname "$0")/packages.txt")

lacking=$(for package in $packages; do
	dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -q '^installed$' || echo "$package"
done)
if [ -n "$lacking" ]; then
	apt-get update
	# shellcheck disable=SC2086 # a list of words
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $lacking
fi

# Tests start the servers they need, with their own configuration.
for unit in nginx redis-server; do
	rm -f "/etc/systemd/system/multi-user.target.wants/$unit.service"
done

mkdir -p /krsi /out
cat >/etc/profile.d/krsi.sh <<'PROFILE'
export PATH="/krsi/build/guest/site/bin:$PATH"
export PYTHONPATH=/krsi/build/guest/site
PROFILE
