#!/bin/sh
# What `sparkctl create application.yaml --upload-to …` did, by spark-submit's arguments: local files are uploaded, and Kubeflow's operator
# gets a SparkApplication with their URLs. `--manifest yaml` in place of `--detach` prints it, to be kept and applied later.
set -eu
: "${HEARTH_STAGING_URL:=http://hearth:10000}" "${NAMESPACE:=my-namespace}"
export HEARTH_STAGING_URL

hearth submit --via operator --detach -- --name job \
  --conf spark.kubernetes.namespace="$NAMESPACE" \
  --conf spark.kubernetes.container.image=apache/spark:4.0.1 \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=spark \
  --py-files helpers.py job.py one two

# sparkctl list, status        kubectl --namespace "$NAMESPACE" get sparkapplications
# sparkctl log, --follow       hearth logs APP driver, -f       also when the pod has gone
# sparkctl event               kubectl --namespace "$NAMESPACE" describe sparkapplication NAME
# sparkctl delete              kubectl --namespace "$NAMESPACE" delete sparkapplication NAME
