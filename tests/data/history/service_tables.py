#!/usr/bin/env python3
"""What Spark reads out of the tables of streaming queries, Connect and Thrift servers, as one line of JSON.

    service_tables.py HISTORY      the `history` folder of a store; needs a Python that can import pyspark

Each answer is a list of rows; a row begins with the application.
"""
import json, sys

from pyspark.sql import SparkSession, functions as f

HISTORY = sys.argv[1]


def table(name):
    return spark.read.parquet("%s/*/*/%s.parquet" % (HISTORY, name))


def time(column):
    return f.unix_millis(column)


def streaming_queries():
    return table("streaming_queries").select("app_id", "run_id", "status", time("start_time"), "num_progress")


def streaming_progress():
    return table("streaming_progress").groupBy("app_id", "run_id").agg(
        f.count("*"), f.sum("num_input_rows"), f.max("input_rows_per_second"), time(f.max("timestamp")),
        f.sum("state_rows_total"), f.count("watermark"), f.sum("add_batch"))


def streaming_metrics():
    return table("streaming_metrics").groupBy("app_id", "run_id", "kind").agg(f.count("*"), f.max("value"))


def connect_sessions():
    return table("connect_sessions").select("app_id", "session_id", time("finish_time"), "total_execution")


def connect_operations():
    return table("connect_operations").select(
        "app_id", "job_tag", "state", "outcome", time("close_time"), f.length("statement"), "job_ids", "session_tags")


def thrift_sessions():
    return table("thrift_sessions").select("app_id", "session_id", time("finish_time"), "total_execution")


def thrift_statements():
    return table("thrift_statements").select(
        "app_id", "statement_id", "state", "outcome", time("close_time"), f.length("plan"), "job_ids")


spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config(
    "spark.sql.shuffle.partitions", "2").config("spark.driver.host", "127.0.0.1").config(
    "spark.driver.bindAddress", "127.0.0.1").getOrCreate()
spark.sparkContext.setLogLevel("OFF")
print(json.dumps({ask.__name__: [list(row) for row in ask().collect()]
                  for ask in (streaming_queries, streaming_progress, streaming_metrics, connect_sessions,
                              connect_operations, thrift_sessions, thrift_statements)}))
