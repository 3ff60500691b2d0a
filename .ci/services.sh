# Provide PostgreSQL, MariaDB, Redis and the programs that tests start, or exit. .ci/run sources this file.
#
# If a server answers on its usual port, the tests use it. Otherwise this script starts one without a
# password, on another port, with its files in $tmp. As root on Debian it first installs a missing
# server. The environment variables of the usual clients (PGPORT …) tell the tests the port.

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

wait_for() { # NAME PORT SECONDS
    local second
    for ((second = 0; second < $3; second++)); do
        if answers "$2"; then return 0; fi
        sleep 1
    done
    echo "$1 does not answer on port $2." >&2
    return 1
}

apt_install() { # PACKAGE…
    if ((EUID)) || ! command -v apt-get >/dev/null; then
        echo "Please install: $*" >&2
        return 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "$@"
}

as() { # USER COMMAND…: run as another user, since servers refuse root. Replaces the (sub)shell.
    if ((EUID)); then exec "${@:2}"; else exec setpriv --reuid="$1" --regid="$1" --init-groups "${@:2}"; fi
}

postgresql_bin() { # on Debian each version has its folder, which is not on PATH
    dirname "$({ command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb; } 2>/dev/null | tail -n 1)"
}

start_postgresql() {
    [[ -x "$(postgresql_bin)/initdb" ]] || apt_install postgresql
    local bin
    bin=$(postgresql_bin)
    (as postgres "$bin/initdb" --pgdata "$tmp/run/postgresql" --auth trust --username postgres >/dev/null)
    as postgres "$bin/postgres" -D "$tmp/run/postgresql" -h 127.0.0.1 -p "$1" -k "$tmp/run" &>"$tmp/postgresql.log" &
}

start_mariadb() {
    command -v mariadbd >/dev/null || apt_install mariadb-server
    (as mysql mariadb-install-db --no-defaults --datadir="$tmp/run/mariadb" \
        --auth-root-authentication-method=normal >/dev/null)
    as mysql mariadbd --no-defaults --datadir="$tmp/run/mariadb" --bind-address=127.0.0.1 --port="$1" \
        --socket="$tmp/run/mariadb.sock" &>"$tmp/mariadb.log" &
}

start_redis() {
    command -v redis-server >/dev/null || apt_install redis-server
    redis-server --bind 127.0.0.1 --port "$1" --save "" --dir "$tmp" >"$tmp/redis.log" &
}

service() { # NAME USUAL_PORT OWN_PORT: sets $port
    port=$2
    if wait_for "$1" "$port" 5; then return 0; fi
    port=$3
    "start_$1" "$port"
    wait_for "$1" "$port" 30 || { tail "$tmp/$1.log" >&2; exit 1; }
}

mkdir -m 777 "$tmp/run"
service postgresql "${PGPORT:-5432}" 25432
export PGPORT=$port
service mariadb "${MYSQL_TCP_PORT:-3306}" 23306
export MYSQL_TCP_PORT=$port
service redis 6379 26379
export REDIS_URL=${REDIS_URL:-redis://127.0.0.1:$port/0}

# Tests start these: a cache, two proxies, and the interpreters of the documentation's examples.
PATH=$PATH:/usr/sbin
packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); } # PROGRAM PACKAGE
need varnishd varnish
need haproxy haproxy
need nginx nginx-light
need curl curl
need jq jq
need go golang-go
need javac default-jdk-headless
need php php-cli
{ command -v php >/dev/null && php -m | grep -qx curl; } || packages+=(php-curl)
[[ -d /usr/share/gocode/src/golang.org/x/oauth2 ]] || packages+=(golang-golang-x-oauth2-dev)
[[ ${#packages[@]} == 0 ]] || apt_install "${packages[@]}"
