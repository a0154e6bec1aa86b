# A runtime of a hundred megabytes that the app brings with it. It lies in the tree of what is
# installed (tree.sh), or is a tree of its own, so that it is not sent again with each slug. Where
# the app runs it is .paas/runtime. A pack says what to copy: copy_runtime DIRECTORY; and knows it
# by $runtime_key, which is empty when the app needs none.

runtime_key=

# add_runtime_to TREE: before it is kept.
add_runtime_to() {
  [[ -n $runtime_key && -d $1 ]] || return 0
  copy_runtime "$1/.paas/runtime"
}

# place_runtime TREE: when all else is done, since a script of the app may have removed what it
# wanted to install anew.
place_runtime() {
  [[ -n $runtime_key ]] || return 0
  if [[ -d $1/.paas/runtime ]]; then
    ln -sfn "../$1/.paas/runtime" .paas/runtime
  elif [[ -z ${PAAS_TREE_FILE:-} || -s $PAAS_TREE_FILE ]]; then
    copy_runtime .paas/runtime
  elif ! restore_tree .paas/runtime "$runtime_key"; then
    drop_tree .paas/runtime
    copy_runtime .paas/runtime
    keep_tree .paas/runtime "$runtime_key"
  fi
}
