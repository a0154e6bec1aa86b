# What `web`, `console` and `rake` are when the Procfile does not say: Heroku's types of Ruby apps.

choose_types() {
  local command
  command=$(web_command)
  if [[ -n $command ]]; then
    echo "$command" >.paas/web
  elif [[ ! -f Procfile ]]; then
    refuse_without_web
  fi
  if is_rails; then echo 'console=bin/rails console' >.paas/types; else echo 'console=bundle exec irb' >.paas/types; fi
  ! has_gem rake || echo 'rake=bundle exec rake' >>.paas/types
}

web_command() {
  if [[ -f config.ru ]] && has_gem puma; then
    if [[ -f config/puma.rb ]]; then echo 'bundle exec puma -C config/puma.rb'; else echo 'bundle exec puma -b tcp://0.0.0.0:$PORT'; fi
  elif [[ -f config.ru ]] && has_gem falcon; then
    echo 'bundle exec falcon serve --bind http://0.0.0.0:$PORT'
  elif [[ -f config.ru ]] && has_gem unicorn; then
    if [[ -f config/unicorn.rb ]]; then echo 'bundle exec unicorn -p $PORT -c config/unicorn.rb'; else echo 'bundle exec unicorn -p $PORT'; fi
  elif is_rails; then
    echo 'bin/rails server -b 0.0.0.0 -p $PORT'
  elif [[ -f config.ru ]] && has_gem rackup && { has_gem webrick || has_gem thin || has_gem iodine; }; then
    echo 'bundle exec rackup config.ru -o 0.0.0.0 -p $PORT'
  elif has_gem sinatra; then
    sinatra_command
  fi
}

# A classic app of Sinatra is a program that takes these options.
sinatra_command() {
  local file
  for file in app.rb main.rb server.rb web.rb; do
    grep -qsE "^require ['\"]sinatra['\"]" "$file" || continue
    echo "bundle exec ruby $file -o 0.0.0.0 -p \$PORT"
    return
  done
}

refuse_without_web() {
  if [[ -f config.ru ]]; then
    fail 'config.ru is there, but no gem that serves it' \
      'Run: bundle add puma  Then commit Gemfile and Gemfile.lock, and push again.'
  fi
  warn 'No Procfile, no config.ru and no Rails or Sinatra app in the root: nothing to run for web.' \
    "Write what starts the app: echo 'web: bundle exec ruby app.rb' > Procfile"
}
