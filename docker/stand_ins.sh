#!/bin/sh
# For a machine that can install Debian packages but cannot pull images: makes stand-ins for the images that the
# Dockerfiles and the composition name, under the same tags, out of Debian's packages. As root; needs debootstrap and a
# running engine. They bring this machine's certificates and pip settings, so that pip works in builds as it does here.
set -eu
cd "$(dirname "$0")/.."
python_image=$(sed -n 's/^ARG BASE=//p' docker/gateway.Dockerfile)
valkey_image=$(sed -n 's/^ *image: \(valkey[^ ]*\)$/\1/p' docker-compose.yml)
prometheus_image=$(sed -n 's/^ *image: \(prom[^ ]*\)$/\1/p' docker-compose.yml)
nginx_image=$(sed -n 's/^ *image: \(nginx[^ ]*\)$/\1/p' docker-compose.yml)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! docker image inspect "$python_image" >/dev/null 2>&1; then
    debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates bookworm "$work/root" >"$work/log"
    ln -sf /usr/bin/python3 "$work/root/usr/local/bin/python3"
    ln -sf /usr/bin/python3 "$work/root/usr/local/bin/python"
    cp /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/ca-certificates.crt"
    if [ -e /etc/pip.conf ]; then cp /etc/pip.conf "$work/root/etc/pip.conf"; fi
    if [ -d /etc/apt/apt.conf.d ]; then cp -n /etc/apt/apt.conf.d/* "$work/root/etc/apt/apt.conf.d/" || true; fi
    rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/* "$work"/root/usr/share/doc
    tar -C "$work/root" -c . | docker import - "$python_image" >/dev/null
    echo "made $python_image"
fi

stand_in() { # image, packages, more lines of a Dockerfile
    if docker image inspect "$1" >/dev/null 2>&1; then return; fi
    printf 'FROM %s\nRUN apt-get update -qq && apt-get install -y -qq --no-install-recommends %s && rm -rf /var/lib/apt/lists/*\n%b' \
        "$python_image" "$2" "$3" | DOCKER_BUILDKIT=0 docker build -q -t "$1" - >/dev/null
    echo "made $1"
}
stand_in "$valkey_image" redis-server \
    'RUN ln -s /usr/bin/redis-server /usr/local/bin/valkey-server && ln -s /usr/bin/redis-cli /usr/local/bin/valkey-cli\n'
stand_in "$prometheus_image" prometheus 'RUN install -d -o nobody -g nogroup /prometheus\nUSER nobody\nENTRYPOINT ["/usr/bin/prometheus"]\n'
stand_in "$nginx_image" nginx-light 'USER www-data\nENTRYPOINT ["nginx", "-g", "daemon off;"]\n'
