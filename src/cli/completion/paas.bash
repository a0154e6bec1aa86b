_paas() {
  local words word begun
  read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
  [[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=("")
  begun=${words[${#words[@]} - 1]}
  COMPREPLY=()
  while IFS=$'\t' read -r word _; do
    # Readline replaces only what follows the last of COMP_WORDBREAKS, to which these belong: cut
    # the rest off.
    case $begun in
    *[:=]*) word=${word#"${begun%"${begun##*[:=]}"}"} ;;
    esac
    COMPREPLY+=("$word")
  done < <(paas completion:words -- "${words[@]:1}" 2>/dev/null)
}
complete -o default -F _paas paas
