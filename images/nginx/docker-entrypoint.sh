#!/bin/sh
# Starts nginx the way users of the official image know. Runs what is in /docker-entrypoint.d first, in the order of its
# names: *.sh as programs, *.envsh within this shell. There it also stands itself, under the name TEMPLATES: called by
# that name it fills the templates of /etc/nginx/templates with values of the environment.
set -eu

TEMPLATES=20-envsubst-on-templates.sh

say() {
  if [ -z "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ]; then echo "docker-entrypoint: $*" >&2; fi
}

# Only names that are set are put in, so that nginx's own variables stay as they are.
fill_templates() {
  templates=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
  suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}
  output=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
  [ -d "$templates" ] || return 0
  names=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' | { grep -E -e "${NGINX_ENVSUBST_FILTER:-}" || true; })
  # shellcheck disable=SC2016,SC2086 # the braces are for envsubst, and the names are words
  variables=$(printf '${%s} ' $names)
  find -L "$templates" -type f -name "*$suffix" | sort | while read -r template; do
    target=${template#"$templates"/}
    target=$output/${target%"$suffix"}
    say "writing $target"
    mkdir -p "${target%/*}"
    envsubst "$variables" < "$template" > "$target"
  done
}

run_parts() {
  for part in /docker-entrypoint.d/*; do
    case $part in
      *.sh | *.envsh)
        if [ ! -x "$part" ]; then
          say "leaving out $part, which is not executable"
          continue
        fi
        say "running $part"
        # shellcheck disable=SC1090 # whatever the user puts there
        case $part in
          *.sh) "$part" ;;
          *) . "$part" ;;
        esac
        ;;
      *) [ ! -e "$part" ] || say "leaving out $part, which ends neither in .sh nor in .envsh" ;;
    esac
  done
}

if [ "${0##*/}" = "$TEMPLATES" ]; then
  fill_templates
  exit
fi
case ${1:-} in
  nginx | nginx-debug) run_parts ;;
esac
exec "$@"
