#!/usr/bin/env bash
# serve.sh [OPTION...]
# Builds the worker and becomes it, with the OPTIONs added to its command line.
#   MODEL  a GGUF file; without one, a small model is fetched
#   HOST PORT  where to listen
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
source tools/steps.sh

tools/build.sh release llm-worker-rbee

if [[ -n ${MODEL:-} ]]; then
    model=(--model "$MODEL")
else
    file=$(tools/fetch.sh model)
    model=(--model "$file" --model-ref "$(basename "$file" .gguf)")
fi

address=http://${HOST:-127.0.0.1}:${PORT:-8080}
cat >&2 <<EOF

The worker answers on $address once it says that it is ready. Then try, in another terminal:

  curl -N $address/v1/inference -H 'content-type: application/json' \\
    -d '{"prompt":"The three largest oceans are","max_tokens":64,"temperature":0.7,"stream":true}'

Ctrl-C stops it.

EOF
exec build/release/llm-worker-rbee "${model[@]}" --host "${HOST:-127.0.0.1}" \
    --port "${PORT:-8080}" "$@"
