#!/bin/bash
# In the place of Spark's own. It stays in the foreground, whatever SPARK_NO_DAEMONIZE says: a container ends with it.
exec "$(dirname "$(readlink -f "$0")")/../bin/spark-class" org.apache.spark.deploy.history.HistoryServer "$@"
