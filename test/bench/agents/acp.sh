#!/bin/sh
# An agent that speaks as much ACP as it must: a prompt is answered by one chunk and then by the lines of $LINES.
while read -r request; do
  case $request in
    *'"initialize"'*) echo '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1,"agentCapabilities":{}}}' ;;
    *'"session/new"'*) echo '{"jsonrpc":"2.0","id":2,"result":{"sessionId":"one"}}' ;;
    *'"session/prompt"'*)
      cat "$LINES"
      echo '{"jsonrpc":"2.0","id":3,"result":{"stopReason":"end_turn"}}'
      ;;
  esac
done
