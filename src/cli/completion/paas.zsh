(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -D }
_paas() {
  local -a found
  found=("${(@f)$(paas completion:words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -z $found[1] ]]; then
    _files
  else
    # _describe takes WORD:TEXT, with the colons of the word escaped.
    found=("${(@)found//:/\\:}")
    found=("${(@)found/$'\t'/:}")
    _describe -V paas found
  fi
}
compdef _paas paas
