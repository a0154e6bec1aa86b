# Modules in repositories that ask for a password, as Heroku has it: the config var
# GO_GIT_CRED__HTTPS__GITHUB__COM is what is sent to https://github.com, a token or USER:PASSWORD.
# git is told in its environment, so that no file of the app has it.
allow_private_modules() {
  local name place count=0
  for name in $(compgen -v GO_GIT_CRED__); do
    place=${name#GO_GIT_CRED__}
    place=${place,,}
    [[ $place == *__* ]] || continue
    local protocol=${place%%__*} host=${place#*__}
    host=${host//__/.}
    export "GIT_CONFIG_KEY_$count=url.$protocol://${!name}@$host/.insteadOf" "GIT_CONFIG_VALUE_$count=$protocol://$host/"
    count=$((count + 1))
    [[ ${GOPRIVATE:-} == *"$host"* ]] || export GOPRIVATE=${GOPRIVATE:+$GOPRIVATE,}$host
  done
  export GIT_CONFIG_COUNT=$count GIT_TERMINAL_PROMPT=0
}
