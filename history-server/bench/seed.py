#!/usr/bin/env python3
"""Records the applications that the benchmark multiplies, by running real Spark.

    seed.py OUT sql      one SQL query, 4,000 tasks in two stages
    seed.py OUT rdd      one job of 4,000 tasks in one stage, no SQL
    seed.py OUT small    a log of about 126 KB: one query

Each writes one plain event log into the folder OUT. Needs a Python that can import pyspark.
"""
import os, sys, tempfile
from pathlib import Path

from pyspark.sql import SparkSession

out, what = Path(sys.argv[1]).resolve(), sys.argv[2]
out.mkdir(parents=True, exist_ok=True)
os.chdir(tempfile.mkdtemp(prefix="seed-"))
spark = (SparkSession.builder.master("local[2]").appName("seed " + what)
         .config("spark.driver.host", "127.0.0.1").config("spark.ui.enabled", "false")
         .config("spark.eventLog.enabled", "true").config("spark.eventLog.dir", out.as_uri())
         .config("spark.eventLog.compress", "false").config("spark.eventLog.rolling.enabled", "false")
         .config("spark.sql.adaptive.enabled", "false")
         .config("spark.sql.shuffle.partitions", "200" if what == "sql" else "2").getOrCreate())
if what == "sql":
    spark.range(0, 380000, 1, 3800).selectExpr("id % 1000 k", "hash(id) v").groupBy("k").sum("v").collect()
elif what == "rdd":
    # On the JVM's side: a Python worker a task would take longer than all the rest.
    spark.range(0, 40000, 1, 4000)._jdf.rdd().count()
else:
    spark.range(0, 1000, 1, 2).selectExpr("id % 10 k").groupBy("k").count().collect()
spark.stop()
