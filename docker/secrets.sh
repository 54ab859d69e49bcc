#!/bin/sh
# Makes the files in docker/secrets/ that are missing; those that are there stay. The files are readable by the
# containers' users, the folder by its owner alone.
set -eu
cd "$(dirname "$0")/secrets"
chmod 700 .
umask 022
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
[ -s odem_redis_password ] || random > odem_redis_password
[ -s grafana_password ] || random > grafana_password
[ -e prometheus_key ] || : > prometheus_key
if [ ! -s tls_certificate ]; then
    # For trying it out: put your own certificate and key here for anything else.
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj "/CN=localhost" \
        -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout tls_key -out tls_certificate 2>/dev/null
    chmod 644 tls_key
fi
