#!/usr/bin/env python3
"""What Spark reads out of the tables that a history server keeps, as one line of JSON.

    tables.py HISTORY      the `history` folder of a store; needs a Python that can import pyspark

Each answer is a list of rows; a row begins with the application and its attempt, "" for an application without.
"""
import json, sys

from pyspark.sql import SparkSession, functions as f

HISTORY = sys.argv[1]
APP = ["app", "attempt"]


def table(name):
    kept = spark.read.parquet("%s/*/*/%s.parquet" % (HISTORY, name))
    return kept.withColumn("app", f.col("app_id")).withColumn("attempt", f.coalesce("app_attempt_id", f.lit("")))


def total(column):
    return f.coalesce(f.sum(column), f.lit(0))


def tasks():
    ended = f.when(f.col("status") != "RUNNING", f.col("duration"))
    return table("tasks").groupBy(*APP, "stage_id", "stage_attempt_id").agg(
        f.count("*"), f.countDistinct("task_id"), f.unix_millis(f.min("launch_time")), total(ended),
        total("executor_run_time"), total("shuffle_bytes_written"), f.count("error_message"))


def stages():
    return table("stages").groupBy(*APP, "status").agg(
        f.count("*"), total("num_complete_tasks"), total("executor_run_time"), total("input_records"))


def jobs():
    return table("jobs").groupBy(*APP, "status").agg(
        f.count("*"), total("num_completed_tasks"), total("num_skipped_stages"), f.unix_millis(f.max("completion_time")))


def executors():
    return table("executors").groupBy(*APP).agg(
        f.count("*"), total("total_tasks"), total("total_shuffle_write"), f.unix_millis(f.min("add_time")))


def sql_executions():
    return table("sql_executions").groupBy(*APP, "status").agg(f.count("*"), total(f.length("plan_text")))


def sql_metrics():
    """Of every execution all values, joined across the tables; a list of them begins with an empty line in the log."""
    value = f.concat_ws("|", "node_id", "metric", f.regexp_replace("value", "^\n", ""))
    metrics = table("sql_metrics").where("value is not null")
    joined = table("sql_executions").join(metrics, [*APP, "execution_id"])
    return joined.groupBy(*APP, "execution_id").agg(f.array_sort(f.collect_list(value)))


spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config(
    "spark.sql.shuffle.partitions", "2").config("spark.driver.host", "127.0.0.1").config(
    "spark.driver.bindAddress", "127.0.0.1").getOrCreate()
spark.sparkContext.setLogLevel("OFF")
print(json.dumps({ask.__name__: [list(row) for row in ask().collect()]
                  for ask in (tasks, stages, jobs, executors, sql_executions, sql_metrics)}))
