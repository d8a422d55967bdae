#!/usr/bin/env python3
"""Records event logs by running real Spark, for the history server's tests.

    record.py OUT            every scenario, into OUT/<log>; needs a Python that can import pyspark (3.5 or newer)
    record.py OUT NAME...    only these scenarios

Each scenario is one Spark application (or a few), made so that its log holds something that a history server has to
get right: failures, speculation, exclusion, caching, adaptive plans, streaming, every codec, logs cut short. What
Spark cannot be made to write locally is made from a real log afterwards, in `derive`, and only there.

A scenario that this version of Spark cannot run is told on stderr and left out; the rest goes on.
"""
import json, os, re, shutil, signal, subprocess, sys, tempfile, time, traceback
from pathlib import Path

OUT = Path(sys.argv[1]).resolve()
SCENARIOS = {}


def scenario(f):
    SCENARIOS[f.__name__] = f
    return f


def spark_home():
    import pyspark
    return Path(pyspark.__file__).parent


class Application:
    """A Spark application whose event log lands in OUT."""

    def __init__(self, name, master="local[2]", codec="zstd", rolling=False, **conf):
        from pyspark.sql import SparkSession
        b = SparkSession.builder.master(master).appName(name)
        settings = {
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": OUT.as_uri(),
            "spark.eventLog.compress": str(codec is not None).lower(),
            "spark.eventLog.compression.codec": codec or "zstd",
            "spark.eventLog.rolling.enabled": str(rolling).lower(),
            "spark.eventLog.logBlockUpdates.enabled": "true",
            "spark.eventLog.logStageExecutorMetrics": "true",
            "spark.executor.metrics.pollingInterval": "50ms",
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "4",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.warehouse.dir": tempfile.mkdtemp(prefix="warehouse-"),
        }
        settings.update({k.replace("__", "."): str(v) for k, v in conf.items()})
        for k, v in settings.items():
            b = b.config(k, v)
        self.spark = b.getOrCreate()
        self.sc = self.spark.sparkContext
        self.sc.setLogLevel("OFF")

    def __enter__(self):
        return self.spark, self.sc

    def __exit__(self, *_):
        self.spark.stop()


def fails(what):
    """Runs what is meant to fail."""
    try:
        what()
    except Exception:
        return
    raise AssertionError("this was meant to fail")


def in_background(what):
    from pyspark import InheritableThread

    def quietly():
        try:
            what()
        except Exception:
            pass
    t = InheritableThread(target=quietly)
    t.start()
    return t


def boom(x):
    raise ValueError("task of <b>partition</b> \"%s\" & co fails, as it should\n\twith two lines" % x)


@scenario
def jobs():
    """Jobs that succeed, fail and are killed; groups, tags, descriptions; skipped stages; an empty job; caching."""
    from pyspark import StorageLevel
    with Application("jobs: groups & <i>tags</i>", codec=None) as (spark, sc):
        sc.setJobGroup("group-1", "first group, with <a href=\"/jobs/\">a link</a>")
        pairs = sc.parallelize(range(1000), 4).map(lambda x: (x % 7, x)).reduceByKey(lambda a, b: a + b, 3)
        pairs.count()
        pairs.collect()  # its map stage is skipped
        if hasattr(sc, "addJobTag"):
            sc.addJobTag("tag-b")
            sc.addJobTag("tag-a")
        pairs.sortByKey().take(2)
        sc.setLocalProperty("spark.job.description", "described \u2013 \u00fcber \u4e2d\u6587 \U0001f600")
        fails(lambda: sc.parallelize(range(6), 3).map(boom).count())
        sc.setJobGroup("group-2", "to be killed", interruptOnCancel=True)
        t = in_background(lambda: sc.parallelize(range(8), 8).map(lambda x: time.sleep(60)).count())
        until(lambda: any(s.numActiveTasks > 0 for s in active_stages(sc)))
        sc.cancelJobGroup("group-2")
        t.join()
        sc.setJobGroup("group-3", "cached")
        levels = [StorageLevel.MEMORY_ONLY, StorageLevel.DISK_ONLY, StorageLevel.MEMORY_AND_DISK_2]
        kept = [sc.parallelize(range(2000), 3).map(lambda x, i=i: x * i).setName("rdd %d" % i).persist(level)
                for i, level in enumerate(levels)]
        for rdd in kept:
            rdd.count()
            rdd.sum()
        kept[0].unpersist(blocking=True)
        sc.parallelize([], 1).count()
        sc.emptyRDD().collect()
        sc.broadcast(list(range(10000)))
        # Fails in its second stage, after the first one is done.
        fails(lambda: sc.parallelize(range(40), 2).map(lambda x: (x, x)).groupByKey(2).map(boom).count())
        spark.range(0, 1000, 1, 130).rdd.map(lambda r: r[0]).count()


def active_stages(sc):
    t = sc.statusTracker()
    return [i for i in (t.getStageInfo(s) for s in t.getActiveStageIds()) if i]


def until(done, secs=180):
    end = time.time() + secs
    while not done():
        if time.time() > end:
            raise AssertionError("waited %d s in vain" % secs)
        time.sleep(0.05)


@scenario
def sql():
    """Adaptive plans, joins, subqueries, Python UDFs, writes, commands, cached tables, failing and nested executions."""
    from pyspark.sql import functions as f
    with Application("sql", spark__sql__adaptive__coalescePartitions__initialPartitionNum="8") as (spark, sc):
        out = tempfile.mkdtemp(prefix="sql-")
        a = spark.range(20000).withColumn("k", f.col("id") % 10).withColumn("v", f.rand(7))
        b = spark.range(100).withColumnRenamed("id", "k").withColumn("name", f.concat(f.lit("n"), f.col("k")))
        a.write.parquet(out + "/a")
        b.write.option("header", True).csv(out + "/b")
        a.write.partitionBy("k").mode("overwrite").json(out + "/c")
        pa = spark.read.parquet(out + "/a")
        pa.createOrReplaceTempView("a")
        spark.read.option("header", True).option("inferSchema", True).csv(out + "/b").createOrReplaceTempView("b")
        sc.setJobGroup("sql group", "joined")
        spark.sql("select /*+ BROADCAST(b) */ name, sum(v), count(distinct id) from a join b on a.k = b.k group by name order by 1").collect()
        spark.sql("select /*+ MERGE(b) */ count(*) from a join b on a.k = b.k where v > 0.5").collect()
        spark.sql("select /*+ SHUFFLE_HASH(b) */ count(*) from a left join b on a.k = b.k").collect()
        spark.sql("select * from a where id > (select avg(id) from a) and k in (select k from b where k < 3) limit 5").collect()
        spark.sql("select * from a x, b y where x.id < y.k limit 10").collect()
        spark.sql("with t as (select k, max(v) m from a group by k) select t1.k, t2.m from t t1 join t t2 on t1.k = t2.k").collect()
        spark.sql("select k, rank() over (partition by k order by v desc) r from a").filter("r < 3").collect()
        spark.sql("create table t1 using parquet as select * from a where k = 1")
        spark.sql("insert into t1 select * from a where k = 2")
        spark.sql("insert overwrite table t1 select * from a where k = 3")
        spark.sql("cache table hot as select * from b")
        spark.sql("select count(*) from hot join hot h2 using (k)").collect()
        spark.sql("uncache table hot")
        spark.sql("show tables").collect()
        spark.sql("explain extended select 1").collect()
        spark.sql("set spark.sql.adaptive.enabled=false")
        spark.sql("select k, count(*) from a group by k").collect()
        spark.sql("set spark.sql.adaptive.enabled=true")
        spark.sql("select * from a where false").collect()
        double = f.udf(lambda x: x * 2, "long")
        pa.select(double("id").alias("d")).groupBy().sum("d").collect()
        fails(lambda: pa.select(f.udf(boom, "long")("id")).collect())
        fails(lambda: spark.sql("select raise_error('meant') from a").collect())
        fails(lambda: spark.sql("select cast('x' as int) / 0 as q, assert_true(false)").collect())
        pa.repartition(3).foreachPartition(lambda rows: None)
        pa.cache().count()
        pa.groupBy("k").agg(f.collect_list("v")).count()
        pa.unpersist()
        # A join whose one side turns out small and whose other is skewed: the plan changes while it runs.
        spark.conf.set("spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes", "1k")
        spark.conf.set("spark.sql.adaptive.advisoryPartitionSizeInBytes", "1k")
        skewed = spark.range(30000).withColumn("k", f.when(f.col("id") < 29000, 0).otherwise(f.col("id")))
        skewed.hint("merge").join(spark.range(30000).withColumnRenamed("id", "k"), "k").groupBy().count().collect()
        skewed.join(pa.filter("v > 2").select("k"), "k").collect()
        spark.range(10).union(spark.range(5)).distinct().exceptAll(spark.range(3)).collect()
        spark.range(1000).selectExpr("id", "explode(sequence(1, 3))").sample(0.5, 1).toLocalIterator()
        pa.rollup("k").count().write.mode("overwrite").orc(out + "/d")
        t = in_background(lambda: pa.select(f.udf(lambda x: time.sleep(60), "long")("id")).collect())
        until(lambda: any(s.numActiveTasks > 0 for s in active_stages(sc)))
        sc.cancelAllJobs()
        t.join()


@scenario
def streaming():
    """Structured Streaming: rate source with state and watermark, one that fails, one that is stopped at once."""
    from pyspark.sql import functions as f
    with Application("streaming", rolling=True) as (spark, sc):
        rate = spark.readStream.format("rate").option("rowsPerSecond", 20).load()
        agg = rate.withWatermark("timestamp", "1 second").groupBy(f.window("timestamp", "1 second")).count()
        q = agg.writeStream.queryName("windows").outputMode("update").format("memory").start()
        once = rate.writeStream.format("noop").trigger(processingTime="1 second").start()
        until(lambda: q.lastProgress and q.lastProgress["batchId"] >= 2 and once.lastProgress)
        q.stop()
        once.stop()
        bad = rate.select(f.expr("raise_error('meant')")).writeStream.queryName("bad").format("noop").start()
        fails(lambda: bad.awaitTermination(180) or 1 / 0)


@scenario
def cluster():
    """Executors as processes, with log URLs: one that is killed, cached blocks lost with it, a task that fails thrice."""
    with Application("cluster", "local-cluster[2,1,1024]", spark__task__maxFailures="3") as (spark, sc):
        warm(sc)
        sc.parallelize(range(8), 4).map(lambda x: (x % 2, x)).groupByKey(2).count()
        cached = sc.parallelize(range(100), 4).cache()
        cached.count()
        marker = str(Path(tempfile.mkdtemp()) / "died")
        sc.parallelize(range(4), 4).mapPartitionsWithIndex(lambda i, it: kill_executor(i, it, marker)).count()
        cached.count()
        warm(sc)
        spark.range(10000).selectExpr("id % 3 k").groupBy("k").count().collect()
        fails(lambda: sc.parallelize(range(2), 2).map(boom).count())


def warm(sc):
    """Waits until both executors are there."""
    until(lambda: sc._jsc.sc().getExecutorMemoryStatus().size() >= 3)
    sc.parallelize(range(20), 10).map(lambda x: x).count()


def kill_executor(i, it, marker):
    if i == 1 and not os.path.exists(marker):
        open(marker, "w").close()
        daemon = os.getppid()
        with open("/proc/%d/stat" % daemon) as f:
            jvm = int(f.read().rsplit(")", 1)[1].split()[1])
        os.kill(jvm, signal.SIGKILL)
        time.sleep(30)
    return it


@scenario
def fetch_failure():
    """Shuffle files lost between two jobs: a stage is tried again as a second attempt."""
    with Application("fetch failure", "local-cluster[2,1,1024]") as (_, sc):
        warm(sc)
        shuffled = sc.parallelize(range(400), 4).map(lambda x: (x % 5, x)).groupByKey(4)
        shuffled.count()
        marker = str(Path(tempfile.mkdtemp()) / "died")
        sc.parallelize(range(2), 2).mapPartitionsWithIndex(lambda i, it: kill_executor(i, it, marker)).count()
        warm(sc)
        shuffled.map(lambda kv: len(list(kv[1]))).collect()


@scenario
def exclusion():
    """Executors and a node excluded for a stage and for the application, and taken back."""
    with Application("exclusion", "local-cluster[2,1,1024]", codec=None, spark__excludeOnFailure__enabled="true",
                     spark__excludeOnFailure__timeout="2s", spark__task__maxFailures="6",
                     spark__scheduler__excludeOnFailure__unschedulableTaskSetTimeout="2s",
                     spark__excludeOnFailure__task__maxTaskAttemptsPerExecutor="1",
                     spark__excludeOnFailure__task__maxTaskAttemptsPerNode="4",
                     spark__excludeOnFailure__stage__maxFailedTasksPerExecutor="1",
                     spark__excludeOnFailure__stage__maxFailedExecutorsPerNode="2",
                     spark__excludeOnFailure__application__maxFailedTasksPerExecutor="1",
                     spark__excludeOnFailure__application__maxFailedExecutorsPerNode="2",
                     spark__excludeOnFailure__application__fetchFailure__enabled="true") as (_, sc):
        warm(sc)
        sc.parallelize(range(6), 6).mapPartitionsWithIndex(fail_first).count()
        sc.parallelize(range(4), 4).count()
        time.sleep(4)  # the exclusion's own timeout, a setting of Spark's, has to run out
        sc.parallelize(range(4), 4).count()
        try:
            sc.parallelize(range(2), 2).map(boom).count()
        except Exception:
            pass


def fail_first(i, it):
    from pyspark import TaskContext
    if i == 2 and TaskContext.get().attemptNumber() == 0:
        raise RuntimeError("first try fails")
    return it


@scenario
def profiles():
    """A second resource profile: for tasks where the application has fixed executors."""
    from pyspark.resource import ExecutorResourceRequests, ResourceProfileBuilder, TaskResourceRequests
    with Application("profiles", "local-cluster[2,2,1024]", spark__dynamicAllocation__enabled="true",
                     spark__dynamicAllocation__shuffleTracking__enabled="true",
                     spark__dynamicAllocation__initialExecutors="1", spark__executor__cores="1",
                     spark__dynamicAllocation__executorIdleTimeout="2s",
                     spark__dynamicAllocation__maxExecutors="2") as (_, sc):
        sc.parallelize(range(4), 4).count()
        need = ExecutorResourceRequests().cores(2).memory("600m").memoryOverhead("384m")
        profile = ResourceProfileBuilder().require(need).require(TaskResourceRequests().cpus(2)).build
        sc.parallelize(range(4), 2).map(lambda x: x).withResources(profile).count()


@scenario
def resources():
    """Executors and tasks that want a resource which a script discovers; a barrier stage; long call sites."""
    script = Path(tempfile.mkdtemp(prefix="resources-")) / "discover"
    script.write_text("#!/bin/sh\necho '{\"name\": \"gpu\", \"addresses\": [\"3\", \"a0\"]}'\n")
    script.chmod(0o755)
    with Application("resources", "local-cluster[1,2,1024]", spark__eventLog__longForm__enabled="true",
                     spark__eventLog__includeTaskMetricsAccumulators="false",
                     spark__worker__resource__gpu__amount="2", spark__worker__resource__gpu__discoveryScript=script,
                     spark__executor__resource__gpu__amount="2", spark__executor__resource__gpu__discoveryScript=script,
                     spark__task__resource__gpu__amount="1") as (spark, sc):
        sc.parallelize(range(20), 4).map(lambda x: (x % 3, x)).groupByKey(2).count()
        sc.parallelize(range(8), 2).barrier().mapPartitions(lambda it: it).count()
        spark.range(1000).selectExpr("id % 3 k").groupBy("k").count().collect()


def small(name, codec, rolling, master="local[1]"):
    with Application(name, master, codec, rolling) as (spark, sc):
        sc.parallelize(range(30), 3).map(lambda x: (x % 3, x)).reduceByKey(lambda a, b: a + b).count()
        spark.range(100).groupBy().sum("id").collect()
    time.sleep(1.1)  # application ids of local mode are the start in milliseconds; keep the logs apart by name too


@scenario
def codecs():
    """Every codec, as one file and rolling."""
    for codec in (None, "zstd", "lz4", "snappy", "lzf"):
        for rolling in (False, True):
            small("codec %s %s" % (codec, rolling), codec, rolling)


@scenario
def rolled():
    """A log long enough to roll at the smallest size that Spark allows."""
    with Application("rolled", codec="zstd", rolling=True, spark__eventLog__rolling__maxFileSize="10m",
                     spark__python__worker__reuse="true") as (spark, sc):
        for _ in range(3):
            spark.range(0, 4000, 1, 2000).selectExpr("id % 5 k").groupBy("k").count().collect()


@scenario
def killed():
    """Drivers killed in the middle of a job: logs that stay `.inprogress`, one a codec."""
    for codec, rolling in ((None, False), ("zstd", False), ("lz4", False), ("zstd", True)):
        env = dict(os.environ, KILLED_CODEC=codec or "", KILLED_ROLLING="1" if rolling else "")
        subprocess.run([sys.executable, __file__, str(OUT), "--killed"], env=env, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def be_killed():
    codec = os.environ["KILLED_CODEC"] or None
    app = Application("killed %s" % codec, "local[2]", codec, bool(os.environ["KILLED_ROLLING"]))
    sc = app.sc
    sc.parallelize(range(50), 5).map(lambda x: (x % 3, x)).groupByKey().count()
    app.spark.range(1000).groupBy().count().collect()
    in_background(lambda: app.spark.range(100).rdd.map(lambda x: time.sleep(600)).count())
    until(lambda: any(s.numActiveTasks > 0 for s in active_stages(sc)))
    jvm = sc._jvm.java.lang.ProcessHandle.current().pid()
    os.kill(jvm, signal.SIGKILL)
    os._exit(0)


@scenario
def derive():
    """What Spark cannot be made to write here, from what it wrote: attempts, compaction, cut and damaged logs."""
    single = [p for p in sorted(OUT.iterdir()) if p.is_file()]
    plain = [p for p in single if "." not in p.name]
    named = {name: p for p in plain for name in ("jobs:", "exclusion", "codec None") if name in application_name(p)}
    attempts(named["jobs:"])
    rolling_attempts(named["codec None"])
    unusual(named["jobs:"], named["exclusion"])
    damaged(named["codec None"])
    two_logs_of_one(named["codec None"])
    cut([p for p in single if p.suffix in (".zstd", ".lz4", ".snappy", ".lzf")])
    compacted()


def events(path):
    return path.read_text().splitlines()


def with_id(lines, new, attempt=None):
    """The same log under another application id (and attempt), which only its start event carries."""
    for line in lines:
        if line.startswith('{"Event":"SparkListenerApplicationStart"'):
            e = json.loads(line)
            e["App ID"] = new
            if attempt:
                e["App Attempt ID"] = attempt
            line = json.dumps(e, separators=(",", ":"), ensure_ascii=False)
        yield line


def application_name(path):
    return next(json.loads(x)["App Name"] for x in events(path) if "SparkListenerApplicationStart" in x)


def unusual(jobs, exclusion):
    """Speculation, which wants two hosts; push-based shuffle, which wants YARN; the words of exclusion before 3.1."""
    every_third = re.compile(r'"Task ID":\d*[0369],.*"Speculative":(false)')
    speculative = [x.replace('"Speculative":false', '"Speculative":true') if every_third.search(x) else x for x in events(jobs)]
    write("app-speculative", with_id(speculative, "app-speculative"))

    def pushed(match):
        numbers = iter(range(3, 99))
        return re.sub(r":0", lambda _: ":%d" % next(numbers), match[0])
    shuffled = [re.sub(r'"Push Based Shuffle":\{[^}]*\}', pushed, x) for x in events(jobs)]
    write("app-pushed", with_id(shuffled, "app-pushed"))
    old = [x for x in events(exclusion) if not re.match(r'.{0,60}(Executor|Node)(Unexcluded|Excluded)', x)]
    write("app-old-exclusion", with_id(old, "app-old-exclusion"))


def attempts(path):
    """Three attempts, as a cluster manager numbers them; the last one has not ended."""
    lines = events(path)
    for n in ("1", "2", "3"):
        kept = lines if n != "3" else lines[:len(lines) // 2]
        name = "application_1700000000000_0001_" + n + ("" if n != "3" else ".inprogress")
        write(name, with_id(kept, "application_1700000000000_0001", n))


def rolling_attempts(path):
    """Two attempts that rolled: of the first both files are there, the second has not ended."""
    lines = events(path)
    middle = len(lines) // 2
    for n in ("1", "2"):
        name = "application_1700000000000_0002_" + n
        folder = OUT / ("eventlog_v2_" + name)
        folder.mkdir()
        (folder / ("appstatus_" + name + ("" if n == "1" else ".inprogress"))).write_bytes(b"")
        kept = list(with_id(lines, "application_1700000000000_0002", n))
        for i, part in enumerate([kept[:middle], kept[middle:]] if n == "1" else [kept[:middle]], 1):
            (folder / ("events_%d_%s" % (i, name))).write_text("".join(x + "\n" for x in part))


def damaged(path):
    lines = list(events(path))
    middle = len(lines) // 2
    unknown = ['{"Event":"org.example.NotKnown","x":1}', '{"Event":"SparkListenerNeverHeardOf","y":[1,2]}']
    write("app-unknown-events", with_id(lines[:3] + unknown + lines[3:], "app-unknown-events"))
    write("app-bad-line", with_id(lines[:middle] + [lines[middle][:40]] + lines[middle + 1:], "app-bad-line"))
    write("app-torn", with_id(lines[:middle], "app-torn"), tail=lines[middle][:60])
    write("app-torn-growing.inprogress", with_id(lines[:middle], "app-torn-growing"), tail=lines[middle][:60])
    write("app-no-end", with_id(lines[:-1], "app-no-end"))
    write("app-blank-lines", with_id(["" if i % 9 == 4 else x for i, x in enumerate(lines)], "app-blank-lines"))
    write("app-started-only", with_id(lines[:8], "app-started-only"))
    write("app-no-start", [x for x in lines if "SparkListenerApplicationStart" not in x])
    (OUT / "app-empty").write_bytes(b"")
    (OUT / "app-empty-growing.inprogress").write_bytes(b"")
    (OUT / "app-not-a-log").write_text("this is not an event log\nnor is this line\n")
    (OUT / "app-not-zstd.zstd").write_text("plain text under a codec's name\n")
    (OUT / ".hidden").write_text("\n".join(lines))
    (OUT / "some-folder").mkdir(exist_ok=True)
    (OUT / "eventlog_v2_app-none").mkdir(exist_ok=True)
    (OUT / "eventlog_v2_app-none" / "appstatus_app-none").write_bytes(b"")


def two_logs_of_one(path):
    lines = events(path)
    write("app-twice", with_id(lines, "app-twice"))
    write("app-twice-again", with_id(lines[:len(lines) // 2], "app-twice"))


def write(name, lines, tail=""):
    (OUT / name).write_text("".join(x + "\n" for x in lines) + tail)


def cut(paths):
    """The first two thirds of one log a codec: the cut falls inside a frame or block. Renamed as still growing."""
    seen = set()
    for p in sorted(paths, key=lambda p: p.stat().st_size):
        if p.suffix not in seen and not p.name.endswith(".inprogress"):
            seen.add(p.suffix)
            data = p.read_bytes()
            (OUT / (p.stem + p.suffix + ".inprogress")).write_bytes(data[:len(data) * 2 // 3])
            p.unlink()


def compacted():
    """Has Spark's own history server compact a copy of the rolled log."""
    source = max(OUT.glob("eventlog_v2_*"), key=lambda d: sum(1 for _ in d.iterdir()))
    folder = Path(tempfile.mkdtemp(prefix="compacted-"))
    copy = folder / source.name
    shutil.copytree(source, copy)
    opts = ["-Dspark.history.fs.logDirectory=" + folder.as_uri(), "-Dspark.history.ui.port=0",
            "-Dspark.history.fs.update.interval=1s", "-Dspark.history.fs.eventLog.rolling.maxFilesToRetain=1",
            "-Dspark.history.fs.eventLog.rolling.compaction.score.threshold=0"]
    env = dict(os.environ, SPARK_HISTORY_OPTS=" ".join(opts), SPARK_HOME=str(spark_home()))
    server = subprocess.Popen([str(spark_home() / "bin/spark-class"), "org.apache.spark.deploy.history.HistoryServer"],
                              env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: any(copy.glob("*.compact")))
    finally:
        server.terminate()
        server.wait()
    shutil.rmtree(source)
    shutil.copytree(copy, source)


def reset():
    """After a scenario that failed half-way, the next one needs a context of its own."""
    from pyspark import SparkContext
    if SparkContext._active_spark_context:
        SparkContext._active_spark_context.stop()


def main():
    if sys.argv[2:] == ["--killed"]:
        return be_killed()
    OUT.mkdir(parents=True, exist_ok=True)
    os.environ["SPARK_HOME"] = str(spark_home())
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.chdir(tempfile.mkdtemp(prefix="record-"))  # Spark leaves spark-warehouse, metastore_db and work/ where it stands
    for name in sys.argv[2:] or SCENARIOS:
        try:
            SCENARIOS[name]()
        except Exception:
            print("scenario %s left out:\n%s" % (name, traceback.format_exc()), file=sys.stderr)
            if name == "derive":
                raise
        finally:
            reset()


main()
