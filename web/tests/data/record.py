"""Records the event logs in this folder by running real applications. Needs pyspark 4.3.0, a JDK and the program zstd:

    python record.py NEW-FOLDER

Each log is named by its situation:

    orders          two executors, jobs that succeed and one that fails, a cached RDD, SQL that succeeds and SQL that fails;
                    names with HTML in them
    nothing-ran     an application that ran no job
    cut-short       as a driver leaves it that was killed: uncompressed, unfinished, its last line written by half
"""

import os
import pathlib
import subprocess
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

HOSTILE = """Nightly <b>orders</b> & "returns" <script>alert('name')</script>"""


def session(folder, name, master):
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(master).appName(name)
    for key, value in {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": folder.as_uri(),
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
        "spark.eventLog.logBlockUpdates.enabled": "true",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "6",
        "spark.executor.memory": "1g",
        "spark.kubernetes.executor.podNamePrefix": "orders-7f3a",
    }.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def orders(folder):
    spark = session(folder, HOSTILE, "local-cluster[2,1,1024]")
    sc = spark.sparkContext
    numbers = sc.parallelize(range(20000), 8).map(lambda n: (n % 97, n)).setName("orders <by customer>").cache()
    sc.setJobGroup("warm-up", "Count the <i>orders</i>")
    numbers.count()
    sc.setJobGroup("totals", "Totals per customer")
    numbers.reduceByKey(lambda a, b: a + b, 6).sortByKey().collect()
    numbers.reduceByKey(lambda a, b: a + b, 6).count()

    sc.setJobGroup("broken", "Parse the amounts")

    def parse(n):
        if n == 4711:
            raise ValueError("not an amount: '<img src=x onerror=alert(1)>' in row 4711")
        return n

    try:
        sc.parallelize(range(10000), 4).map(parse).count()
    except Exception as error:  # noqa: BLE001
        print("as expected:", type(error).__name__)

    sc.setLocalProperty("spark.jobGroup.id", None)
    sc.setLocalProperty("spark.job.description", None)
    left = spark.range(0, 50000, 1, 4).withColumn("customer", F.col("id") % 100)
    right = spark.range(0, 100, 1, 2).withColumnRenamed("id", "customer")
    left.join(right, "customer").groupBy("customer").agg(F.sum("id").alias("total")).orderBy("total").collect()
    left.createOrReplaceTempView("orders")
    spark.sql("select customer, count(*) as n from orders where customer < 10 group by customer").collect()
    try:
        spark.sql("select raise_error('no such <customer>') from orders").collect()
    except Exception as error:  # noqa: BLE001
        print("as expected:", type(error).__name__)
    spark.stop()


def nothing_ran(folder):
    session(folder, "Nothing ran", "local[1]").stop()


def cut_short(folder):
    spark = session(folder, "Killed while it ran", "local[2]")
    for _ in range(3):
        spark.sparkContext.parallelize(range(100), 4).count()
    spark.stop()


def record(folder, situation, application):
    scratch = folder / "scratch"
    scratch.mkdir()
    application(scratch)
    (log,) = scratch.iterdir()
    text = log.read_text()
    log.unlink()
    scratch.rmdir()
    # Where it was recorded is nobody's business.
    for path, instead in {
        scratch: "/event-logs",
        sys.prefix: "/opt/pyspark",
        sys.base_prefix: "/usr",
        pathlib.Path(__file__).resolve().parent: "/home/spark",
        pathlib.Path.cwd(): "/home/spark",
        pathlib.Path.home(): "/home/spark",
    }.items():
        text = text.replace(str(path), instead)
    (folder / situation).write_text(text)


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True)
    record(folder, "orders", orders)
    record(folder, "nothing-ran", nothing_ran)
    record(folder, "cut-short", cut_short)
    for situation in ["orders", "nothing-ran"]:
        subprocess.run(["zstd", "-q", "--rm", "-19", folder / situation, "-o", folder / f"{situation}.zstd"], check=True)
    text = (folder / "cut-short").read_text()
    half_a_line = text.rindex("SparkListenerTaskEnd") + 40
    (folder / "cut-short").unlink()
    (folder / "cut-short.inprogress").write_text(text[:half_a_line])


if __name__ == "__main__":
    main()
