<?php
// choose-release.php RANGE: prints the newest of the versions on standard input that are released
// and in the range, as Composer reads it, or nothing.
require '/usr/share/php/Composer/Semver/autoload.php';

use Composer\Semver\Semver;

$released = preg_grep('/^\d+\.\d+\.\d+$/', array_map('trim', file('php://stdin')));
try {
    $fitting = Semver::satisfiedBy($released, $argv[1]);
} catch (UnexpectedValueException) {
    exit; // Composer says what is wrong with it.
}
echo Semver::rsort($fitting)[0] ?? '';
