#!/bin/sh
# Starts MariaDB. In an empty data folder it makes the system tables, accounts and databases first, as MARIADB_* variables
# ask; data that are there are started untouched. New data grow in a folder of their own and take their place when they
# are finished, with the system tables last, so that what was cut off is never taken for data.
set -eu

DATA=/var/lib/mysql
SOCKET=/run/mysqld/mysqld.sock
TABLES=/usr/share/mariadb

say() {
  printf '%s\n' "docker-entrypoint: $*" >&2
}

fail() {
  say "$*"
  exit 1
}

# Gives the variable MARIADB_$1 the text of MARIADB_$1 or MYSQL_$1, or of the file that one of them with _FILE names.
from_file() {
  eval "value=\${MARIADB_$1:-\${MYSQL_$1:-}}; file=\${MARIADB_$1_FILE:-\${MYSQL_$1_FILE:-}}"
  [ -z "$value" ] || [ -z "$file" ] || fail "both MARIADB_$1 and MARIADB_$1_FILE are set; set one of them"
  if [ -n "$file" ]; then
    [ -r "$file" ] || fail "cannot read $file, which MARIADB_$1_FILE names"
    value=$(cat "$file")
  fi
  eval "MARIADB_$1=\$value"
  unset "MARIADB_$1_FILE" "MYSQL_$1_FILE" "MYSQL_$1" value file
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

# Sets `escaped` to the text $1 with every character of $2 doubled, for a place between quotes in SQL.
escape() {
  rest=$1
  escaped=
  while [ -n "$rest" ]; do
    character=${rest%"${rest#?}"}
    rest=${rest#?}
    case $2 in
      *"$character"*) escaped=$escaped$character$character ;;
      *) escaped=$escaped$character ;;
    esac
  done
}

# A text as a string of SQL: both characters that mean something in one are doubled, whatever they are.
text() {
  escape "$1" "'\\"
  printf "'%s'" "$escaped"
}

identifier() {
  escape "$1" '`'
  printf '`%s`' "$escaped"
}

# The client as root on the data in the making; the password goes by its environment, which nobody else may read.
sql() {
  MYSQL_PWD=$root_password mariadb --protocol=socket --socket="$SOCKET" --user=root --binary-mode "$@"
}

check_variables() {
  for name in ROOT_PASSWORD ROOT_PASSWORD_HASH ROOT_HOST DATABASE USER PASSWORD PASSWORD_HASH; do from_file "$name"; done
  allow_empty=${MARIADB_ALLOW_EMPTY_ROOT_PASSWORD:-${MYSQL_ALLOW_EMPTY_PASSWORD:-}}
  random=${MARIADB_RANDOM_ROOT_PASSWORD:-${MYSQL_RANDOM_ROOT_PASSWORD:-}}
  root_host=${MARIADB_ROOT_HOST:-%}
  [ -n "$MARIADB_ROOT_PASSWORD$MARIADB_ROOT_PASSWORD_HASH$allow_empty$random" ] ||
    fail 'no password for root of the new data: set MARIADB_ROOT_PASSWORD or MARIADB_ROOT_PASSWORD_FILE' \
      '(or MARIADB_RANDOM_ROOT_PASSWORD, or MARIADB_ALLOW_EMPTY_ROOT_PASSWORD)'
  [ "$MARIADB_USER" != root ] || fail 'MARIADB_USER is root, which there is anyway; its password is MARIADB_ROOT_PASSWORD'
  if [ -n "$MARIADB_USER" ]; then
    [ -n "$MARIADB_PASSWORD$MARIADB_PASSWORD_HASH" ] || fail 'MARIADB_USER is set without MARIADB_PASSWORD'
  fi
  if [ -z "$MARIADB_ROOT_PASSWORD$MARIADB_ROOT_PASSWORD_HASH" ] && [ -n "$random" ]; then
    MARIADB_ROOT_PASSWORD=$(head --bytes=24 /dev/urandom | base64)
    say "GENERATED ROOT PASSWORD: $MARIADB_ROOT_PASSWORD"
  fi
}

make_tables() {
  say 'making the system tables'
  {
    printf '%s\n' 'CREATE DATABASE mysql;' 'USE mysql;' 'SET @auth_root_socket=NULL;'
    cat "$TABLES/mariadb_system_tables.sql" "$TABLES/mariadb_performance_tables.sql" \
      "$TABLES/mariadb_system_tables_data.sql" "$TABLES/fill_help_tables.sql" \
      "$TABLES/maria_add_gis_sp_bootstrap.sql" "$TABLES/mariadb_sys_schema.sql"
  } | mariadbd "$@" --datadir="$new" --bootstrap --log-warnings=0 --enforce-storage-engine='' \
    --max-allowed-packet=8M --net-buffer-length=16K --skip-log-bin >&2
  # mariadb-upgrade looks here for the version that made the tables: 11.8.6-MariaDB of 11.8.6-MariaDB-…
  version=$(mariadbd --version)
  version=${version#*Ver }
  printf '%s' "${version%%-*}-MariaDB" >"$new/mariadb_upgrade_info"
}

start_server() {
  mariadbd "$@" --datadir="$new" --skip-networking --socket="$SOCKET" --skip-log-bin --skip-slave-start \
    --loose-innodb-buffer-pool-load-at-startup=0 &
  server=$!
  tries=0
  until sql --execute 'SELECT 1' >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || fail 'the server for the initialisation does not answer'
    kill -0 "$server" 2>/dev/null || fail 'the server for the initialisation ended'
    sleep 0.1
  done
}

# Whom an account is known as: `IDENTIFIED BY 'password'`, or by the hash of one.
known_by() {
  if [ -n "$2" ]; then
    printf 'IDENTIFIED BY PASSWORD '
    text "$2"
  else
    printf 'IDENTIFIED BY '
    text "$1"
  fi
}

accounts_sql() {
  root_by=$(known_by "$MARIADB_ROOT_PASSWORD" "$MARIADB_ROOT_PASSWORD_HASH")
  printf '%s\n' "SET SESSION sql_mode = REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', '');"
  printf '%s\n' "DELETE FROM mysql.global_priv WHERE user = '' OR (user = 'root' AND host <> 'localhost');" \
    "DELETE FROM mysql.proxies_priv WHERE host <> 'localhost';" 'FLUSH PRIVILEGES;'
  # Without any right, for `mariadb-admin ping` inside the container.
  printf '%s\n' "CREATE USER $(text "$(id -un)")@localhost IDENTIFIED VIA unix_socket;"
  [ -z "$MARIADB_DATABASE" ] || printf '%s\n' "CREATE DATABASE IF NOT EXISTS $(identifier "$MARIADB_DATABASE");"
  if [ -n "$MARIADB_USER" ]; then
    user=$(text "$MARIADB_USER")@\'%\'
    printf '%s\n' "CREATE USER $user $(known_by "$MARIADB_PASSWORD" "$MARIADB_PASSWORD_HASH");"
    # In a grant, _ and % of a database's name would match other names.
    if [ -n "$MARIADB_DATABASE" ]; then
      escape_pattern "$MARIADB_DATABASE"
      printf '%s\n' "GRANT ALL ON $(identifier "$pattern").* TO $user;"
    fi
  fi
  if [ "$root_host" != localhost ]; then
    printf '%s\n' "CREATE USER 'root'@$(text "$root_host") $root_by;" \
      "GRANT ALL ON *.* TO 'root'@$(text "$root_host") WITH GRANT OPTION;"
  fi
  printf '%s\n' "ALTER USER 'root'@'localhost' $root_by;"
}

escape_pattern() {
  rest=$1
  pattern=
  while [ -n "$rest" ]; do
    character=${rest%"${rest#?}"}
    rest=${rest#?}
    case $character in
      _ | %) pattern=$pattern\\$character ;;
      *) pattern=$pattern$character ;;
    esac
  done
}

run_initdb_scripts() {
  for script in /docker-entrypoint-initdb.d/*; do
    case $script in
      *.sql)
        say "running $script"
        sql ${MARIADB_DATABASE:+--database="$MARIADB_DATABASE"} <"$script"
        ;;
      *.sql.gz | *.sql.xz | *.sql.zst | *.sh)
        [ -x /usr/local/bin/run-initdb-script ] ||
          fail "cannot run $script: this variant runs *.sql only; the variant compat runs *.sh and *.sql.gz as well"
        say "running $script"
        MARIADB_DATABASE=$MARIADB_DATABASE MARIADB_USER=$MARIADB_USER MARIADB_PASSWORD=$MARIADB_PASSWORD \
          MARIADB_ROOT_PASSWORD=$MARIADB_ROOT_PASSWORD INITDB_SOCKET=$SOCKET \
          run-initdb-script "$script"
        ;;
      '/docker-entrypoint-initdb.d/*') ;;
      *) say "ignoring $script" ;;
    esac
  done
}

move_data() {
  for entry in "$new"/* "$new"/.[!.]*; do
    [ "${entry##*/}" = mysql ] || ! [ -e "$entry" ] || mv "$entry" "$DATA/"
  done
  sync "$DATA"
  mv "$new/mysql" "$DATA/"
  rmdir "$new"
  sync "$DATA"
}

initialise() {
  if holds_files "$DATA"; then
    fail "$DATA holds files but no finished data (no folder mysql): an initialisation was cut off or failed, or the" \
      'files are not of MariaDB. Look into it, then empty it to begin anew'
  fi
  check_variables
  new=$DATA/.initialising
  mkdir -m 0700 "$new" || fail "cannot write to $DATA as uid $(id -u); see the volume's owner"
  root_password=
  trap '[ -z "${server:-}" ] || kill "$server" 2>/dev/null || :' EXIT
  trap 'say "stopped before the data were finished"; exit 143' INT TERM
  make_tables "$@"
  start_server "$@"
  accounts_sql | sql
  root_password=$MARIADB_ROOT_PASSWORD
  run_initdb_scripts
  kill "$server"
  wait "$server"
  server=
  trap - EXIT INT TERM
  move_data
  say 'the new data are ready'
}

case ${1:-} in
  '' | -*) set -- mariadbd "$@" ;;
  mysqld) shift && set -- mariadbd "$@" ;;
esac

if [ "$1" = mariadbd ]; then
  shift
  asks=false
  for word in "$@"; do
    case $word in
      '-?' | --help | -V | --version | --print-defaults) asks=true ;;
      --datadir*) fail 'another --datadir is not followed: mount the volume at /var/lib/mysql' ;;
    esac
  done
  if [ "$asks" = false ] && ! [ -d "$DATA/mysql" ]; then initialise "$@"; fi
  for name in ROOT_PASSWORD ROOT_PASSWORD_HASH PASSWORD PASSWORD_HASH; do unset "MARIADB_$name" "MYSQL_$name"; done
  set -- mariadbd "$@"
fi
exec "$@"
