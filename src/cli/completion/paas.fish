function __paas_words
    set -l words (commandline -opc)
    paas completion:words -- $words[2..] (commandline -ct) 2>/dev/null
end
complete -c paas -n 'test (count (commandline -opc)) -le 1' -f
complete -c paas -a '(__paas_words)'
