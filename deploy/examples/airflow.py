"""A DAG whose job lies beside it: Hearth uploads it, and Kubeflow's operator runs it.

Needs apache-airflow-providers-cncf-kubernetes, and `hearth` where tasks run. What `hearth submit` prints is the SparkApplication that
SparkKubernetesOperator takes.
"""

import os
import subprocess
from datetime import datetime

from airflow.decorators import dag, task
from airflow.providers.cncf.kubernetes.operators.spark_kubernetes import SparkKubernetesOperator

NAMESPACE = os.environ.get("NAMESPACE", "my-namespace")


@task
def application() -> str:
    """Uploads what is local, once for each content, and returns the application as YAML."""
    settings = {
        "spark.kubernetes.namespace": NAMESPACE,
        "spark.kubernetes.container.image": "apache/spark:4.0.1",
        "spark.kubernetes.authenticate.driver.serviceAccountName": "spark",
        "spark.executor.instances": "2",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": "webhdfs://hearth:10000/event-logs",
    }
    conf = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    here = os.path.dirname(os.path.abspath(__file__))
    command = ["hearth", "submit", "--via", "operator", "--manifest", "yaml", "--", "--name", "job", *conf]
    files = ["--py-files", os.path.join(here, "helpers.py"), os.path.join(here, "job.py")]
    return subprocess.run([*command, *files], check=True, stdout=subprocess.PIPE, text=True).stdout


@dag(schedule=None, start_date=datetime(2025, 1, 1), catchup=False)
def spark_job():
    SparkKubernetesOperator(task_id="run", namespace=NAMESPACE, application_file=application())


spark_job()
