#!/usr/bin/env bash
# CI step: merge a checkpoint, and move the alias `production` if no earlier task lost more than 3 points.
#
#   examples/promote.sh CHECKPOINT CALIBRATION TASK.json [LINEAGE]
#
# Set ODEM_URL and ODEM_KEY. The exit status is that of `odem merge`: 10 if the gate rejected the merge.
set -euo pipefail
CHECKPOINT=$1 CALIBRATION=$2 TASK=$3 LINEAGE=${4:-default}

MERGE=$(odem merge "$CHECKPOINT" --calibration "$CALIBRATION" --task "$TASK" --lineage "$LINEAGE" \
  --max-drop "${MAX_DROP:-0.03}" --label "commit=${COMMIT:-unknown}" --json)
VERSION=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["version"].split("@")[1])' <<<"$MERGE")
odem alias production "$VERSION" --lineage "$LINEAGE"
