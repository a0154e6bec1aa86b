import type { Starter } from '../starter.ts'

/** Packagist is not reached from everywhere: an application as Debian packages it. */
export const php: Starter[] = [
  {
    name: 'phpSysInfo',
    pack: 'php',
    packages: ['php-cgi', 'phpsysinfo'],
    // With its settings where the project has them, not in /etc.
    script: `cp -rL /usr/share/phpsysinfo/. . && cp /etc/phpsysinfo/phpsysinfo.ini .
      sed -i "s|'/etc/phpsysinfo/phpsysinfo.ini'|PSI_APP_ROOT.'/phpsysinfo.ini'|" read_config.php`,
    path: '/xml.php?plugin=complete&json',
    expected: /"Vitals":\{"@attributes":\{"Hostname"/,
  },
  {
    name: 'Adminer',
    pack: 'php',
    packages: ['adminer'],
    script: 'cp /usr/share/adminer/adminer.php index.php',
    path: '/',
    expected: /<title>Login - Adminer<\/title>/,
  },
]
