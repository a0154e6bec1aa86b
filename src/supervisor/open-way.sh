# Run as root in a mount namespace of its own: covers each directory that is closed to others, such
# as /root, with an empty one that they may pass, and has nothing in it but the way to what is
# opened. Then it becomes the command.
#   open-way.sh 'CLOSED
#   CLOSED' OPENED [OPENED] -- COMMAND ARGUMENT...
set -eu
closed=$1 first=$2 second=
shift 2
if [ "$1" != -- ]; then
  second=$1
  shift
fi
shift

# The copies of mounts here would keep networks of containers that an engine has removed, with their
# addresses, for as long as the command runs.
sed -n 's/^[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .* - nsfs .*/\1/p' /proc/self/mountinfo | xargs -r umount 2>/dev/null || true

# What is covered is reached by descriptors only.
exec 8<"$first"
if [ -n "$second" ]; then exec 9<"$second"; fi
printf '%s\n' "$closed" | while read -r directory; do mount -t tmpfs -o mode=0711,size=1m,nosuid,nodev paas "$directory"; done
(umask 022 && mkdir -p "$first")
mount --no-canonicalize --rbind /proc/self/fd/8 "$first"
if [ -n "$second" ]; then
  (umask 022 && mkdir -p "$second")
  mount --no-canonicalize --rbind /proc/self/fd/9 "$second"
fi
exec 8<&- 9<&-
exec "$@"
