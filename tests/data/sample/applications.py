"""The applications of the sample, as spark-submit runs them: applications.py NAME

Each is something that people look at a history server for. They take about half a minute each on two cores.
"""
import sys, time
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

APPLICATIONS = {}


def application(title, **conf):
    def add(run):
        APPLICATIONS[run.__name__] = (title, {name.replace("__", "."): value for name, value in conf.items()}, run)
        return run
    return add


def say(spark, what):
    spark.sparkContext.setJobDescription(what)
    print(what, flush=True)


@application("Nightly sales report", spark__sql__shuffle__partitions="12")
def sales(spark):
    """One that does what it should: loads, joins, a sub-query, windows, something cached."""
    say(spark, "Load the orders of the year")
    orders = spark.range(0, 800_000, 1, 12).selectExpr(
        "id", "id % 20000 as customer", "cast(10 + rand(1) * 190 as decimal(8, 2)) as amount",
        "date_add(date'2026-01-01', cast(id % 320 as int)) as day")
    orders.write.mode("overwrite").parquet("/data/orders")
    say(spark, "Load the customers")
    customers = spark.range(0, 20000, 1, 4).selectExpr(
        "id as customer", "element_at(array('DE', 'ES', 'FR', 'IT', 'PL'), 1 + cast(id % 5 as int)) as country")
    customers.write.mode("overwrite").parquet("/data/customers")
    spark.read.parquet("/data/orders").createOrReplaceTempView("orders")
    spark.read.parquet("/data/customers").createOrReplaceTempView("customers")
    say(spark, "Revenue by country and month")
    spark.sql("""select country, month(day) as month, sum(amount) as revenue, count(distinct o.customer) as buyers
                 from orders o join customers c on o.customer = c.customer group by all order by country, month""").write.mode(
        "overwrite").csv("/data/revenue")
    say(spark, "Customers above the average")
    spark.sql("""select customer, sum(amount) as spent from orders group by customer
                 having sum(amount) > (select 1.2 * sum(amount) / count(distinct customer) from orders)
                 order by spent desc limit 100""").collect()
    say(spark, "The three best days of each country")
    spark.sql("""select * from (select country, day, sum(amount) as revenue,
                                       rank() over (partition by country order by sum(amount) desc) as place
                                from orders o join customers c on o.customer = c.customer group by country, day)
                 where place <= 3""").collect()
    say(spark, "Keep the last quarter at hand")
    spark.sql("cache table quarter as select * from orders where day >= date'2026-09-01'")
    say(spark, "Orders a day in the last quarter")
    spark.sql("select day, count(*) as orders, avg(amount) as mean from quarter group by day order by day").collect()
    say(spark, "Customers who came back in the last quarter")
    print(spark.sql("select customer from quarter group by customer having count(*) > 5").count(), "customers came back")


@application("Click sessions", spark__sql__adaptive__enabled="false", spark__sql__shuffle__partitions="32")
def skewed(spark):
    """One whose time goes into one task: most clicks have no customer."""
    say(spark, "Load the clicks")
    clicks = spark.range(0, 2_500_000, 1, 16).selectExpr(
        "if(id % 10 < 7, 0, id % 4000) as customer", "id as click", "timestamp_seconds(1790000000 + id div 40) as at")
    clicks.write.mode("overwrite").parquet("/data/clicks")
    spark.read.parquet("/data/clicks").createOrReplaceTempView("clicks")
    say(spark, "Sessions of each customer")
    spark.sql("""select customer, count(*) as clicks, sum(if(gap > 1800, 1, 0)) as sessions, max(length(sha2(path, 512))) as longest
                 from (select customer, repeat(cast(click as string), 24) as path,
                              unix_timestamp(at) - unix_timestamp(lag(at) over (partition by customer order by at)) as gap
                       from clicks) group by customer""").write.mode("overwrite").parquet("/data/sessions")
    say(spark, "Customers with the most sessions")
    spark.read.parquet("/data/sessions").orderBy(f.desc("sessions")).limit(20).collect()


@application("Subscription calendar", spark__executorEnv__MEMORY_LIMIT_MB="700", spark__executor__memory="2g",
             spark__sql__shuffle__partitions="4")
def killed(spark):
    """One whose executors take more memory than their container has: the kernel ends them, and Spark gives up in the end."""
    say(spark, "Load the subscriptions")
    ends = spark.range(0, 400, 1, 4).selectExpr(
        "id as subscription", "if(id = 250, 130000000, 30 + id % 365) as days")
    ends.write.mode("overwrite").parquet("/data/subscriptions")
    say(spark, "Subscriptions by length")
    spark.read.parquet("/data/subscriptions").groupBy("days").count().orderBy("days").limit(5).collect()
    say(spark, "A row for each day of each subscription")
    spark.read.parquet("/data/subscriptions").selectExpr("subscription", "size(sequence(0L, days)) as days").groupBy().sum("days").collect()


@application("Clicks per minute", spark__sql__shuffle__partitions="3", spark__scheduler__mode="FAIR")
def streaming(spark):
    """Two streaming queries, one with state and a watermark; the other fails when it meets what it cannot read."""
    clicks = spark.readStream.format("rate").option("rowsPerSecond", 300).load()
    by_page = clicks.selectExpr("timestamp", "value % 7 as page").withWatermark("timestamp", "5 seconds")
    counted = by_page.groupBy(f.window("timestamp", "5 seconds"), "page").count()
    counts = counted.writeStream.queryName("clicks by page").outputMode("update").format("noop").trigger(
        processingTime="2 seconds").start()
    parsed = clicks.selectExpr("if(value > 4000, cast(concat('click ', value) as int), 1) as click")
    parsing = parsed.writeStream.queryName("clicks by customer").format("noop").trigger(processingTime="2 seconds").start()
    deadline = time.time() + 240
    while counts.isActive and time.time() < deadline and (counts.lastProgress or {"batchId": 0})["batchId"] < 14:
        time.sleep(0.5)
    print("last progress:", counts.lastProgress["batchId"], "the other:", parsing.exception(), flush=True)
    counts.stop()
    parsing.stop()


@application("Backfill of 2025", spark__sql__shuffle__partitions="8")
def running(spark):
    """One that is still at it."""
    for month in range(1, 13):
        say(spark, "Backfill of 2025-%02d" % month)
        days = spark.range(0, 500_000, 1, 8).selectExpr("id % 31 as day", "id % 5000 as customer", "rand(%d) as amount" % month)
        days.groupBy("day", "customer").agg(f.sum("amount").alias("amount")).withColumn(
            "key", f.expr("sha2(repeat(cast(amount as string), 40), 512)")).repartition(8, "customer").write.mode(
            "overwrite").parquet("/data/backfill/%02d" % month)


def main():
    title, conf, run = APPLICATIONS[sys.argv[1]]
    builder = SparkSession.builder.appName(title)
    for name, value in conf.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.range(0, 8, 1, 8).count()
    run(spark)
    spark.stop()


if __name__ == "__main__":
    main()
