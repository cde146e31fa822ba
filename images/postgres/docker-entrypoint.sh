#!/bin/sh
# Starts PostgreSQL. In an empty data folder it makes a cluster first, as POSTGRES_* variables ask; a cluster that is
# there is started untouched. A new cluster grows in a folder of its own and takes its place when it is finished, with
# PG_VERSION last, so that what was cut off is never taken for a cluster.
set -eu

say() {
  printf '%s\n' "docker-entrypoint: $*" >&2
}

fail() {
  say "$*"
  exit 1
}

# Gives the variable $1 the text of the file that $1_FILE names, or else the default $2.
from_file() {
  eval "value=\${$1:-}; file=\${$1_FILE:-}"
  [ -z "$value" ] || [ -z "$file" ] || fail "both $1 and $1_FILE are set; set one of them"
  if [ -n "$file" ]; then
    [ -r "$file" ] || fail "cannot read $file, which $1_FILE names"
    value=$(cat "$file")
  fi
  [ -n "$value" ] || value=${2:-}
  eval "$1=\$value"
  unset "$1_FILE" value file
}

# Whether a folder holds anything but what a file system puts into every volume.
holds_files() {
  for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    if [ -e "$entry" ] || [ -L "$entry" ]; then
      [ "${entry##*/}" = lost+found ] || return 0
    fi
  done
  return 1
}

# psql on the cluster in the making: as its superuser, in the database $1.
sql() {
  database=$1
  shift
  PGHOST='' PGHOSTADDR='' PGPORT=5432 psql --quiet --no-psqlrc --no-password --set ON_ERROR_STOP=1 \
    --username "$POSTGRES_USER" --dbname "$database" "$@"
}

run_initdb_scripts() {
  for script in /docker-entrypoint-initdb.d/*; do
    case $script in
      *.sql)
        say "running $script"
        sql "$POSTGRES_DB" --file "$script"
        ;;
      *.sql.gz | *.sql.xz | *.sql.zst | *.sh)
        [ -x /usr/local/bin/run-initdb-script ] ||
          fail "cannot run $script: this variant runs *.sql only; the variant compat runs *.sh and *.sql.gz as well"
        say "running $script"
        POSTGRES_DB=$POSTGRES_DB POSTGRES_USER=$POSTGRES_USER POSTGRES_PASSWORD=$POSTGRES_PASSWORD \
          run-initdb-script "$script"
        ;;
      '/docker-entrypoint-initdb.d/*') ;;
      *) say "ignoring $script" ;;
    esac
  done
}

check_variables() {
  from_file POSTGRES_PASSWORD
  from_file POSTGRES_USER postgres
  from_file POSTGRES_DB "$POSTGRES_USER"
  from_file POSTGRES_INITDB_ARGS
  method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  [ -n "$POSTGRES_PASSWORD" ] || [ "$method" = trust ] || fail "no password for the new cluster's superuser:" \
    'set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE (or POSTGRES_HOST_AUTH_METHOD=trust, and everybody gets in)'
  case $POSTGRES_PASSWORD in
    *'
'*) fail 'POSTGRES_PASSWORD has more than one line' ;;
  esac
  [ "$method" != trust ] || say 'POSTGRES_HOST_AUTH_METHOD=trust: whoever reaches the port has every right'
}

make_cluster() {
  new=$PGDATA/.initialising
  mkdir -m 0700 "$new"
  set -f
  # The words of POSTGRES_INITDB_ARGS are arguments.
  # shellcheck disable=SC2086
  set -- --username "$POSTGRES_USER" --auth-local trust --auth-host "$method" --set 'listen_addresses=*' \
    ${POSTGRES_INITDB_WALDIR:+--waldir="$POSTGRES_INITDB_WALDIR"} $POSTGRES_INITDB_ARGS --pgdata "$new"
  set +f
  if [ -n "$POSTGRES_PASSWORD" ]; then
    printf '%s\n' "$POSTGRES_PASSWORD" | initdb --pwfile /dev/stdin "$@"
  else
    initdb "$@"
  fi
  printf '\nhost all all all %s\n' "$method" >>"$new/pg_hba.conf"
}

fill_cluster() {
  # The password is not for the server's environment, nor for what it starts.
  (
    unset POSTGRES_PASSWORD PGPASSWORD
    exec pg_ctl --pgdata "$new" --wait --silent --options "-c listen_addresses='' -c port=5432" start
  )
  [ "$POSTGRES_DB" = postgres ] || sql postgres --set name="$POSTGRES_DB" <<'SQL'
CREATE DATABASE :"name";
SQL
  run_initdb_scripts
  pg_ctl --pgdata "$new" --wait --silent --mode fast stop
}

move_cluster() {
  rm -f "$new/postmaster.opts"
  for entry in "$new"/*; do
    [ "${entry##*/}" = PG_VERSION ] || mv "$entry" "$PGDATA/"
  done
  sync "$PGDATA"
  mv "$new/PG_VERSION" "$PGDATA/"
  rmdir "$new"
  sync "$PGDATA"
}

initialise() {
  if holds_files "$PGDATA"; then
    fail "$PGDATA holds files but no finished cluster (no PG_VERSION): an initialisation was cut off or failed, or" \
      'the files are not of PostgreSQL. Look into it, then empty it to begin anew, or name another folder by PGDATA'
  fi
  check_variables
  mkdir -p "$PGDATA" || fail "cannot make $PGDATA: it is not writable for uid $(id -u); see the volume's owner"
  chmod 0700 "$PGDATA" || fail "$PGDATA is not owned by uid $(id -u); change its owner, or set PGDATA to a folder in it"
  trap 'say "stopped before the cluster was finished"; exit 130' INT TERM
  make_cluster
  fill_cluster
  move_cluster
  trap - INT TERM
  say 'the new cluster is ready'
}

case ${1:-} in
  '' | -*) set -- postgres "$@" ;;
esac

if [ "$1" = postgres ]; then
  asks=false
  for word in "$@"; do
    case $word in
      '-?' | --help | --describe-config | -V | --version | -C) asks=true ;;
    esac
  done
  [ "$(id -u)" != 0 ] || [ "$asks" = true ] || fail 'PostgreSQL does not run as root; leave the user as the image has it'
  if [ "$asks" = false ] && ! [ -s "$PGDATA/PG_VERSION" ]; then initialise; fi
  unset POSTGRES_PASSWORD POSTGRES_PASSWORD_FILE
fi
exec "$@"
