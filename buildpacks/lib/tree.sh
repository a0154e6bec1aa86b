# A tree is a directory of the build that files such as a lock file decide alone: node_modules, a
# virtual environment. It is kept from build to build under a key of all that decides, and becomes a
# layer of the image of its own, which is made once (docs/decisions/0085). What is installed anew
# under the same key may be something else, so each has an id besides. A build may begin with the
# tree of the one before in its place: the file .paas/tree says so.

# Of the tree at PATH the cache has .key, which has its id and its number of parts in two more
# lines, .list, the names in it, and .1.tar, .2.tar and so on, the parts.
kept_tree() { echo "$cache_dir/trees/${1##*/}"; }

# Those of the tree that a build begins with, if bin/look has been through it.
directories_at_start=/tmp/paas-directories-at-start

# list_directories BUILD_DIR PATH: each with its inode.
list_directories() { (cd "${1%/*}/" && find "${1##*/}/$2" -type d -printf '%i %p\0'); }

# What the image with a tree has to be tried out on, once each.
probes=/tmp/paas-probes

# is_layered PROBE: whether the files of the image lie in a layer below, out of which the file
# system copies what is changed: then directories above a change have new times too, and none can be
# renamed. So it is with overlay, but for files with several names: for a tree that has some no
# probes are made (src/build/sandboxes.ts). Each has one use.
is_layered() {
  perl -MTime::HiRes=lstat -e '
    my $at = shift;
    my $before = (lstat $at)[10] or exit 1;
    utime undef, undef, "$at/file" or exit 1;
    exit !((lstat $at)[10] > $before && !rename($at, "$at.moved") && $!{EXDEV})
  ' "$probes/$1"
}

# tree_lies_here PATH ID
tree_lies_here() { [[ -f .paas/tree && $(<.paas/tree) == "$1 $2" ]]; }

# restore_tree PATH KEY: makes PATH what was kept under this key. Fails when nothing was.
restore_tree() {
  local kept key id parts part
  kept=$(kept_tree "$1")
  { read -r key && read -r id && read -r parts && [[ $key == "$2" ]]; } 2>/dev/null <"$kept.key" || return
  if tree_lies_here "$1" "$id"; then
    say_tree "$1" "$id" "$parts" lib
  else
    drop_tree "$1"
    for ((part = 1; part <= parts; part++)); do
      tar --extract --file="$kept.$part.tar" --directory="${build_dir%/*}/" || return
    done
    announce_tree "$1" "$id" "$parts"
  fi
}

# keep_tree PATH KEY [maybe]: the key is written last and removed first, so that what is interrupted
# is not used again. The platform reads this one format (src/build/owned-tar.ts), whatever the app
# sets, and each part as soon as it is there; with `maybe`, if no process of the app may need the
# tree, only when the build is done.
keep_tree() {
  local kept id parts part parent=${build_dir%/*}/
  kept=$(kept_tree "$1")
  forget_tree "$1"
  [[ -d $1 ]] || return 0
  mkdir -p "$cache_dir/trees"
  id=$(head -c 32 /dev/urandom | sha256sum | cut -d' ' -f1)
  parts=$(list_parts "$parent" "${build_dir##*/}/$1" "$kept")
  for ((part = 1; part <= parts; part++)); do
    TAR_OPTIONS='' tar --create --format=gnu --blocking-factor=512 --file="$kept.$part.tar" --directory="$parent" --no-recursion --null --files-from="$kept.$part.list"
    rm "$kept.$part.list"
    [[ -n ${3:-} ]] || say_part "$1" "$id" "$part" "$parts"
  done
  printf '%s\n' "$2" "$id" "$parts" >"$kept.key"
  announce_tree "$1" "$id" "$parts"
}

# Bytes of files and headers of a part, and how many there are at most: the engine takes in one
# while the next is on its way, and each is a layer more of every image.
part_bytes=$((96 * 1024 * 1024))
most_parts=4

# list_parts PARENT NAME KEPT: writes KEPT.list, of all names, and KEPT.1.list and so on, of the
# parts, and prints how many. A part has the directories above its names, too, as what is a layer
# has them. A tree with directories that cannot be written to stays in one: once unpacked they are
# closed.
list_parts() {
  (cd "$1" && find "$2" -printf '%M %s %p\0' | LC_ALL=C sort -z -k3) |
    perl -0 -e '
      my ($kept, $top, $part_bytes, $most) = @ARGV;
      my ($total, $closed, @entries) = (0, 0);
      while (<STDIN>) {
        my ($mode, $bytes, $name) = /^(\S+) +(\d+) (.*)\0$/s or die;
        $total += $bytes += 512;
        $closed ||= $mode =~ /^d.[^w]/;
        push @entries, [$bytes, $name];
      }
      my $parts = $closed ? 1 : 1 + int($total / $part_bytes);
      $parts = $most if $parts > $most;
      open my $all, ">", "$kept.list" or die;
      my ($part, $before, $out, %seen) = (0, 0);
      for (@entries) {
        my ($bytes, $name) = @$_;
        if ($part == 0 || $part < $parts && $before > $total * $part / $parts) {
          $part += 1;
          %seen = ();
          open $out, ">", "$kept.$part.list" or die;
        }
        $before += $bytes;
        print $all "$name\0";
        my $at = $top;
        for my $next ("", grep { length } split "/", substr $name, length $top) {
          $at .= "/$next" if length $next;
          print $out "$at\0" unless $seen{$at}++;
        }
      }
      print $part;
    ' "$3" "$2" "$part_bytes" "$most_parts"
}

# say_part PATH ID PART PARTS: to the platform, which begins with it. It can do without.
say_part() {
  [[ -n ${PAAS_TREE_FILE:-} ]] || return 0
  echo "part $2 $3 $4 $1" 2>/dev/null >"${PAAS_TREE_FILE%/*}/answers" || true
}

forget_tree() {
  local kept
  kept=$(kept_tree "$1")
  rm -f "$kept.key"
  rm -f "$kept".*.tar "$kept.tar" "$kept.list" "$kept".scripts.*
}

# drop_tree PATH: and whatever tree the build began with.
drop_tree() {
  local lies_here=$1
  [[ ! -f .paas/tree ]] || read -r lies_here _ <.paas/tree
  rm -rf "$1" "${build_dir:?}/$lies_here" .paas/tree
}

# What changes from now on is the app's own. The clock of a file system moves on in steps of some
# milliseconds.
announce_tree() {
  sleep 0.02
  say_tree "$1" "$2" "$3"
  sleep 0.02
}

# say_tree PATH ID PARTS [FILE]: what has changed since then is the app's own, or since FILE beside
# PAAS_TREE_FILE was made: `lib` is when a build begins. Files have the time of their last change;
# of a directory that is renamed only itself has it, so directories are written down, unless none
# can be renamed.
say_tree() {
  [[ -n ${PAAS_TREE_FILE:-} ]] || return 0
  rm -f "$PAAS_TREE_FILE.directories"
  if (($# < 4)); then
    list_directories "$build_dir" "$1" >"$PAAS_TREE_FILE.directories"
  elif ! is_layered build 2>/dev/null; then
    cp "$directories_at_start" "$PAAS_TREE_FILE.directories" 2>/dev/null ||
      list_directories "$build_dir" "$1" >"$PAAS_TREE_FILE.directories"
  fi
  printf '%s\n' "$1" "$2" "$3" "$(kept_tree "$1")" >"$PAAS_TREE_FILE"
  (($# < 4)) || touch --reference="${PAAS_TREE_FILE%/*}/$4" "$PAAS_TREE_FILE"
}

# spare_tree PATH: no process of the app needs what is there. Builds go on to begin with it.
spare_tree() {
  [[ -n ${PAAS_TREE_FILE:-} ]] || return 0
  local path=''
  [[ ! -s $PAAS_TREE_FILE ]] || read -r path <"$PAAS_TREE_FILE"
  # The tree may be another one: a runtime.
  if [[ $path == "$1" ]]; then touch "$PAAS_TREE_FILE.spare"; else rm -rf "$1"; fi
}

# gone_from DIRECTORIES: of names, the tree's own first, those that were in one of these and are
# gone.
gone_from() {
  perl -0 -e '
    open my $directories, "<", shift or die;
    while (<$directories>) { chomp; s/^\d+ //; $in{$_} = 1 }
    while (<STDIN>) { chomp; print "$_\0" if ($in{substr $_, 0, rindex $_, "/"} || $. == 1) && !lstat }
  ' "$1"
}
