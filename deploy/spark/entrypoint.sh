#!/bin/bash
# In the place of the entry point of Spark's image: what it is given is run. As `driver`, which is how an operator runs the history
# server as an application, it starts that.
set -e
if [ "${1:-}" = driver ]; then
  shift
  file=() class=""
  while [ $# -gt 0 ]; do
    case $1 in
      --properties-file) file=(--properties-file "$2"); shift 2 ;;
      --class) class=$2; shift 2 ;;
      *) shift ;;
    esac
  done
  set -- "${SPARK_HOME:-/opt/spark}/bin/spark-class" "$class" "${file[@]}"
elif [ $# -eq 1 ] && [[ $1 = *" "* ]]; then
  # A whole command line as one word, as images whose entry point is `bash -c` take it.
  set -- /bin/bash -c "$1"
elif [ $# -eq 0 ]; then
  set -- "${SPARK_HOME:-/opt/spark}/sbin/start-history-server.sh"
fi
if command -v tini >/dev/null; then exec tini -s -- "$@"; fi
exec "$@"
