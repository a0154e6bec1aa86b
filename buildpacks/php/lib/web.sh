# Where the site is, and how it is served: nginx for files, php-fpm for PHP.

# find_document_root: sets $root, to the first usual place that has an index.php.
find_document_root() {
  local place
  root=
  for place in public web webroot .; do
    [[ ! -f $place/index.php ]] || { root=$place && break; }
  done
  if [[ -z $root && ! -f Procfile ]]; then
    fail 'there is no index.php in public, web, webroot or the root' \
      'nginx serves the directory that has it. Where it is another one: echo '\''web: heroku-php-nginx DIRECTORY'\'' > Procfile'
  fi
}

# Procfiles of Heroku name these programs.
serve_php() {
  local name
  mkdir -p .paas/php/bin vendor/bin
  cp "$pack_dir"/lib/{nginx.conf,fpm.conf} .paas/php
  for name in heroku-php-nginx heroku-php-apache2; do
    cp "$pack_dir/lib/serve-php" ".paas/php/bin/$name"
    [[ -e vendor/bin/$name ]] || ln -s "../../.paas/php/bin/$name" "vendor/bin/$name"
  done
  [[ -z $root ]] || echo "heroku-php-nginx $root" >.paas/web
  if grep -qs heroku-php-apache2 Procfile; then
    warn 'The site is served by nginx: what .htaccess files say does not apply.' \
      'Settings of nginx go into a file: heroku-php-nginx -C FILE DIRECTORY'
  fi
}
