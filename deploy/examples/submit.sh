#!/bin/sh
# With an installed Spark: what is local is uploaded once, however often it is submitted, and spark-submit gets URLs.
export HEARTH_STAGING_URL=http://hearth:10000
hearth submit -- --master "k8s://${API_SERVER:?such as https://10.0.0.1:6443}" --deploy-mode cluster \
  --conf spark.kubernetes.namespace=my-namespace \
  --conf spark.kubernetes.container.image=apache/spark:4.0.1 \
  --jars 'libs/*.jar' --archives environment.tar.gz#environment job.py

# Without one: the same arguments become a SparkApplication, which Kubeflow's operator runs and hearth follows to its end.
hearth submit --via operator -- \
  --conf spark.kubernetes.namespace=my-namespace \
  --conf spark.kubernetes.container.image=apache/spark:4.0.1 \
  --jars 'libs/*.jar' --archives environment.tar.gz#environment job.py
