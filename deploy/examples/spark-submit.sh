#!/bin/sh
# A stock spark-submit uploads what is local by itself, over WebHDFS: its own jar, --jars, --files, --py-files, --archives.
# Drivers and executors read the files back from the same address.
exec spark-submit --master "k8s://${API_SERVER:?such as https://10.0.0.1:6443}" --deploy-mode cluster \
  --conf spark.kubernetes.namespace=my-namespace \
  --conf spark.kubernetes.container.image=apache/spark:4.0.1 \
  --conf spark.kubernetes.file.upload.path=webhdfs://hearth:10000/staging/my-namespace \
  --conf spark.eventLog.enabled=true --conf spark.eventLog.dir=webhdfs://hearth:10000/event-logs \
  --class org.example.Main my-application.jar "$@"
