"""Runs a Spark application whose event log grows for a while: grow.py FOLDER single|rolling

It ends when FOLDER/enough is there, and not before its log has come to a second file where it rolls.
"""
import sys, time
from pathlib import Path
from pyspark.sql import SparkSession

folder, kind = Path(sys.argv[1]), sys.argv[2]
logs = folder / "logs"
session = SparkSession.builder.master("local[2]").appName(kind)
for name, value in {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.dir": logs.as_uri(),
    "spark.eventLog.compress": "true",
    "spark.eventLog.compression.codec": "zstd",
    "spark.eventLog.rolling.enabled": str(kind == "rolling").lower(),
    "spark.eventLog.rolling.maxFileSize": "10m",
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}.items():
    session = session.config(name, value)
spark = session.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


def rolled():
    return kind == "single" or len(list(logs.glob("eventlog_v2_*/events_*"))) > 1


while not (folder / "enough").exists() or not rolled():
    spark.sparkContext.parallelize(range(200), 200).map(lambda x: x * x).count() if kind == "single" else \
        spark.range(0, 1000, 1, 1000).count()
    time.sleep(0.05)
spark.stop()
