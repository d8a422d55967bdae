"""The first cell of a notebook (Jupyter, or any Python) in client mode: its pod is the driver, executors are pods of their own.

Its service account may create pods in the namespace. POD_IP comes from the field status.podIP of the notebook's pod. Modules that lie
beside the notebook are staged, so that executors have them, too.
"""

import os
import subprocess

from pyspark.sql import SparkSession

NAMESPACE = os.environ.get("NAMESPACE", "my-namespace")
HEARTH = os.environ.get("HEARTH_STAGING_URL", "http://hearth:10000")


def staged(*files: str) -> str:
    command = ["hearth", "stage", "--staging-url", HEARTH, "--namespace", NAMESPACE, *files]
    return ",".join(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split())


settings = {
    "spark.kubernetes.namespace": NAMESPACE,
    "spark.kubernetes.container.image": os.environ.get("SPARK_IMAGE", "apache/spark:4.0.1"),
    "spark.driver.host": os.environ["POD_IP"],
    "spark.executor.instances": "1",
    "spark.submit.pyFiles": staged("helpers.py"),
    "spark.eventLog.enabled": "true",
    "spark.eventLog.dir": HEARTH.replace("http", "webhdfs", 1) + "/event-logs",
}
if "KUBERNETES_SERVICE_HOST" in os.environ:
    # Executors go when the notebook's pod does.
    settings["spark.kubernetes.driver.pod.name"] = os.environ["HOSTNAME"]

builder = SparkSession.builder.appName("notebook").master(os.environ.get("SPARK_MASTER", "k8s://https://kubernetes.default.svc"))
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
