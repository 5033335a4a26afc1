#!/usr/bin/env bash
# Unpacks Debian packages and everything they need into a private folder: no root, nothing installed.
#
#   fetch_debian.sh --print-mirrors          the Debian mirrors this machine's apt sources name
#   fetch_debian.sh --suite SUITE --into DIR [--lock FILE] [--mirror URL] [--only REGEX] [--skip REGEX]
#                   [--recipe TEXT] -- PACKAGE...
#
# apt-get runs with a state, a cache and a source list of its own and an empty package database, so it
# resolves the complete closure (libc included), checks Debian's signatures and only downloads;
# `dpkg -x` then unpacks into DIR/root. A package stays packed if its whole name does not match --only
# or does match --skip.
# When DIR/complete already reads TEXT there is nothing to do.
#   DIR/root       the unpacked packages           DIR/archives  the downloaded .deb files
#   DIR/resolved   "name:arch version sha256" of each package
#   DIR/changed    how that differs from FILE, the committed record (empty: not at all)
# Every failure is one line "duet set-up: ..." on stderr that says what to do about it.
set -euo pipefail
export LC_ALL=C

fail() { printf 'duet set-up: %s\n' "$*" >&2; exit 1; }
say() { printf -- '-- %s\n' "$*"; }

suite='' into='' lock='' mirror='' only='.*' skip='-' recipe='' print_mirrors=no
while [ $# -gt 0 ]; do
  case "$1" in
    --suite) suite=$2; shift 2 ;;
    --into) into=$2; shift 2 ;;
    --lock) lock=$2; shift 2 ;;
    --mirror) mirror=$2; shift 2 ;;
    --only) only=$2; shift 2 ;;
    --skip) skip=$2; shift 2 ;;
    --recipe) recipe=$2; shift 2 ;;
    --print-mirrors) print_mirrors=yes; shift ;;
    --) shift; break ;;
    *) fail "unknown option $1 of ${0##*/}" ;;
  esac
done
[ "$print_mirrors" = yes ] || { [ -n "$suite" ] && [ -n "$into" ] && [ $# -gt 0 ]; } || fail "usage: ${0##*/} --suite S --into DIR -- PACKAGE..."

for tool in apt-get apt-config dpkg dpkg-deb sha256sum awk flock; do
  command -v "$tool" >/dev/null ||
    fail "'$tool' is missing: a Debian-based machine is needed here (packages apt, dpkg, coreutils, mawk, util-linux)"
done

# The machine's own Debian mirrors, in the order in which apt would read them. Foreign repositories
# (a suite or a component of another name) and the security archive (it has no $suite) are left out.
machine_mirrors() {
  local codename
  codename=$(. /etc/os-release 2>/dev/null && printf '%s' "${VERSION_CODENAME:-}") || true
  local list etc=/etc/apt
  eval "$(apt-config shell etc Dir::Etc/d)"
  for list in "$etc"/sources.list "$etc"/sources.list.d/*.list "$etc"/sources.list.d/*.sources; do
    [ -r "$list" ] || continue
    awk -v codename="$codename" -v deb822="${list##*.}" '
      function known(s) {
        sub(/\/$/, "", s)
        return s == codename || s ~ /^(oldoldstable|oldstable|stable|testing|unstable|sid|bookworm|trixie|forky)$/
      }
      function offer(uris, suites, components,    u, s, i, j, n, m, ok) {
        if (components !~ /(^|[ \t])main([ \t]|$)/) return
        m = split(suites, s, /[ \t]+/); for (j = 1; j <= m; j++) if (known(s[j])) ok = 1
        n = split(uris, u, /[ \t]+/)
        if (ok) for (i = 1; i <= n; i++) if (u[i] != "" && u[i] !~ /^cdrom:|security/) print u[i]
      }
      function flush_stanza() {
        if (f["types"] ~ /(^|[ \t])deb([ \t]|$)/ && tolower(f["enabled"]) !~ /no|false|0/)
          offer(f["uris"], f["suites"], f["components"])
        delete f; key = ""
      }
      deb822 == "sources" && /^[ \t]*#/ { next }
      deb822 == "sources" && /^[ \t]*$/ { flush_stanza(); next }
      deb822 == "sources" && /^[ \t]/ { if (key != "") f[key] = f[key] " " $0; next }
      deb822 == "sources" { i = index($0, ":"); key = tolower(substr($0, 1, i - 1)); f[key] = substr($0, i + 1); next }
      /^[ \t]*deb[ \t]/ {
        sub(/#.*/, ""); sub(/^[ \t]*deb[ \t]+/, ""); sub(/^\[[^]]*\][ \t]*/, "")
        rest = ""; for (i = 3; i <= NF; i++) rest = rest " " $i
        offer($1, $2, rest)
      }
      END { if (deb822 == "sources") flush_stanza() }' "$list"
  done
}

if [ "$print_mirrors" = yes ]; then
  machine_mirrors
  exit 0
fi

keyring=''
for candidate in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
  [ -r "$candidate" ] && { keyring=$candidate; break; }
done
[ -n "$keyring" ] || fail "Debian's signing keys are missing: apt-get install debian-archive-keyring"

mkdir -p "$into" 2>/dev/null && [ -w "$into" ] || fail "cannot write to $into: choose another folder with -DDUET_DEPS_DIR=..."
into=$(cd "$into" && pwd -P)
exec 9>"$into/.lock"
flock -n 9 || { say "Another set-up is filling $into: waiting for it"; flock 9; }
[ -n "$recipe" ] && [ -d "$into/root" ] && [ "$(cat "$into/complete" 2>/dev/null)" = "$recipe" ] && exit 0
rm -f "$into/complete"

mirrors=()
if [ -n "$mirror" ]; then
  mirrors=("$mirror")
else
  while read -r uri; do
    case " ${mirrors[*]-} " in *" $uri "*) ;; *) mirrors+=("$uri") ;; esac
  done < <(machine_mirrors)
  [ ${#mirrors[@]} -gt 0 ] || fail "apt's sources of this machine name no Debian mirror: pass -DDUET_DEBIAN_MIRROR=http://..."
fi

# The machine's proxies and time-outs are kept; its hooks, preferences and package database are not.
apt=$into/apt
rm -rf "$apt"
mkdir -p "$apt"/{lists/partial,cache,etc} "$into/archives/partial"
: >"$apt/status"
{
  apt-config dump | grep -Ei '^Acquire::(https?|ftp|socks|tor|proxy|check-|retries|forceipv|max-|queue)' || true
  cat <<CONF
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
APT::Get::List-Cleanup "false";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "$apt/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::State::extended_states "$apt/extended_states";
Dir::Cache "$apt/cache";
Dir::Cache::archives "$into/archives";
Dir::Log "$apt";
CONF
} >"$apt/etc/apt.conf"
export APT_CONFIG=$apt/etc/apt.conf

reached=''
for uri in "${mirrors[@]}"; do
  say "Reading the package lists of Debian $suite from $uri"
  echo "deb [signed-by=$keyring] $uri $suite main" >"$apt/etc/sources.list"
  if apt-get -q update --error-on=any >"$apt/update.log" 2>&1; then reached=$uri; break; fi
done
[ -n "$reached" ] || fail "no mirror answers for Debian $suite (tried ${mirrors[*]}): $(grep -m1 '^[EW]:' "$apt/update.log" || tail -n1 "$apt/update.log") - check the network or proxy, or pass -DDUET_DEBIAN_MIRROR=http://..."

plan=$(apt-get install --print-uris --no-install-recommends -qq -y "$@" 2>"$apt/install.log" | awk '$3 ~ /^[0-9]+$/ { n++; b += $3 } END { if (n) printf "%d packages, %.0f MB", n, b / 1e6 }') ||
  fail "Debian $suite at $reached cannot provide: $* ($(grep -m1 '^E:' "$apt/install.log"))"
[ -n "$plan" ] && say "Downloading $plan (signatures checked by apt, nothing is installed system-wide)"
apt-get install --download-only --no-install-recommends -y -o Dpkg::Use-Pty=0 "$@" 2>"$apt/install.log" |
  awk '/^Get:/ { if (++n % 20 == 0) { printf "--   %d packages ...\n", n; fflush() } }' ||
  fail "the download from $reached broke off: $(grep -m1 '^E:' "$apt/install.log") - run the same command again to go on"

# Exactly the closure of today: an archive left from an earlier run must not be unpacked over it.
say "Unpacking into $into/root"
rm -rf "$into/root.new"
mkdir "$into/root.new"
: >"$into/resolved.new"
# usr-merged from the start, so that no package replaces /lib64 or /lib by a folder
mkdir -p "$into/root.new"/usr/{bin,sbin,lib,lib64}
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$into/root.new/$folder"; done
while read -r name; do
  deb=$into/archives/$name
  IFS=$'\t' read -r package architecture version < <(dpkg-deb --show --showformat='${Package}\t${Architecture}\t${Version}\n' "$deb")
  printf '%s:%s %s %s\n' "$package" "$architecture" "$version" "$(sha256sum "$deb" | cut -d' ' -f1)" >>"$into/resolved.new"
  [[ $package =~ ^($only)$ ]] && ! [[ $package =~ ^($skip)$ ]] || continue
  dpkg -x "$deb" "$into/root.new" || fail "$deb does not unpack (disk full?): delete it and run the same command again"
done < <(apt-get install --print-uris --no-install-recommends -qq -y -o "Dir::Cache::archives=$apt/none" "$@" | awk '{ print $2 }')
sort -o "$into/resolved.new" "$into/resolved.new"
rm -rf "$into/root"
mv "$into/root.new" "$into/root"
mv "$into/resolved.new" "$into/resolved"
rm -rf "$apt"

# What differs from the committed record is kept beside it, for the next configure to repeat.
: >"$into/changed"
if [ -n "$lock" ] && [ -r "$lock" ]; then
  awk '
    /^#/ { next }
    FNR == NR { version[$1] = $2; hash[$1] = $3; next }
    !($1 in version) { print $1, $2, "was not recorded"; next }
    version[$1] != $2 { print $1, $2 ", recorded was", version[$1]; next }
    hash[$1] != $3 { print $1, $2, "has another hash than the one recorded" }
  ' "$lock" "$into/resolved" >"$into/changed"
  sed 's/^/--   changed: /' "$into/changed"
fi
printf '%s' "$recipe" >"$into/complete"
