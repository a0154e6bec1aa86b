# opened.pl DIRECTORY SKIPPED: prints "ready" when it watches all directories below but SKIPPED, and
# at the end of its input the files in them that were opened meanwhile, NUL-ended. Fails when it
# cannot tell (inotify(7)): their number is limited, and that of what happens at once.
use strict;
use warnings;
use POSIX ();

my ($open, $is_directory, $overflow, $only_directory) = (0x20, 0x40000000, 0x4000, 0x01000000);
my ($init, $add) = (POSIX::uname())[4] eq 'aarch64' ? (26, 27) : (294, 254);

my ($directory, $skipped) = @ARGV;
chdir $directory or exit 1;
my $watch = syscall $init, POSIX::O_NONBLOCK;
exit 1 if $watch < 0;
open my $events, '<&=', $watch or exit 1;

my (%places, %opened);
open my $directories, '-|', 'find', '.', '-path', "./$skipped", '-prune', '-o', '-type', 'd', '-print0' or exit 1;
{
  local $/ = "\0";
  while (my $place = <$directories>) {
    chomp $place;
    my $id = syscall $add, $watch, $place, $open | $only_directory;
    exit 1 if $id < 0;
    $places{$id} = $place;
  }
}
close $directories or exit 1;
syswrite STDOUT, "ready\n";

my $ended;
until ($ended) {
  my $ready = '';
  vec($ready, $_, 1) = 1 for fileno STDIN, $watch;
  next if select($ready, undef, undef, undef) < 0;
  $ended = vec($ready, fileno STDIN, 1) && !sysread STDIN, my $ignored, 64;
  read_events();
}
print map { "$_\0" } sort keys %opened;

# What has happened is in the queue before whoever did it goes on.
sub read_events {
  while (sysread $events, my $bytes, 65536) {
    while (length $bytes) {
      my ($id, $what, undef, $length) = unpack 'iIII', $bytes;
      my $name = unpack 'Z*', substr $bytes, 16, $length;
      $bytes = substr $bytes, 16 + $length;
      exit 1 if $what & $overflow;
      $opened{"$places{$id}/$name"} = 1 if $what & $open && !($what & $is_directory) && length $name;
    }
  }
}
