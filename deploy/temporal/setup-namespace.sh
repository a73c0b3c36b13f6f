#!/bin/sh
# Creates the namespace and its search attributes, and proves that runs can be reached. Connection from TEMPORAL_*.
# Safe to repeat.
set -eu
namespace=${TEMPORAL_NAMESPACE:?}
retention=${TEMPORAL_RETENTION:?}
# How long to try each thing; the slowest of them, a new namespace, takes up to 10 s.
patience=${PATIENCE_SECONDS:-30}

# try COMMAND...: once a second until it succeeds; its last words when it never does. By the clock, since a server that
# does not answer takes its time over each.
try() {
  until_second=$(($(date +%s) + patience))
  until said=$("$@" 2>&1); do
    if [ "$(date +%s)" -ge "$until_second" ]; then
      echo "gave up: $*" >&2
      echo "$said" >&2
      return 1
    fi
    sleep 1
  done
}

create_or_update_namespace() {
  if temporal operator namespace describe --namespace "$namespace"; then
    temporal operator namespace update --namespace "$namespace" --retention "$retention"
  else
    temporal operator namespace create --namespace "$namespace" --retention "$retention"
  fi
}

# A healthy frontend says nothing about the services behind it; only a question about a run goes all the way.
# "not found" is the answer of a server that works.
ask_for_a_run() {
  temporal workflow describe --namespace "$namespace" --workflow-id watari/none --command-timeout 5s 2>&1 |
    grep -qi 'not found'
}

try temporal operator cluster health --command-timeout 5s
try create_or_update_namespace
echo "namespace $namespace, retention $retention"

# Tried again because every part of the server learns of a new namespace at its next look, up to 10 s later.
for attribute in ${SEARCH_ATTRIBUTES:?}; do
  try temporal operator search-attribute create --namespace "$namespace" \
    --name "${attribute%%=*}" --type "${attribute#*=}"
  echo "search attribute $attribute"
done

try ask_for_a_run
echo 'ready'
