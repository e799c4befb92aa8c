#!/bin/sh
# Run by nginx's image before nginx: deploy/nginx/careroom.conf with this installation's name and processes.
set -eu
sed -e "s/careroom\.example\.org\//careroom\//" \
    -e "s/careroom\.example\.org/$SITE_NAME/" \
    -e "s/server 127\.0\.0\.1:8000/server web1:8000/" \
    -e "s/server 127\.0\.0\.1:8001/server web2:8000/" \
    /careroom.conf >/etc/nginx/conf.d/default.conf
