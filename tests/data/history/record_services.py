#!/usr/bin/env python3
"""Records event logs of streaming queries, a Thrift server and a Connect server by running real Spark.

    record_services.py OUT            every scenario, into OUT/<log>; needs a Python that can import pyspark (3.5 or newer)
    record_services.py OUT NAME...    only these scenarios

Beside record.py, which has everything else. The clients of the servers are those of Spark's own packages: Hive's JDBC
driver and the Connect client, in a JVM of their own. Spark before 4.0 brings neither a Connect server nor its client
in its Python package; the scenario is not for it.
"""
import glob, os, re, subprocess, sys, tempfile, threading, time, traceback
from pathlib import Path

import pyspark
from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway
from py4j.protocol import Py4JJavaError

OUT = Path(sys.argv[1]).resolve()
HOME = Path(pyspark.__file__).parent
SCENARIOS = {}
# Never done within any timeout, and easily cancelled.
ENDLESS = "select count(*) from range(0, 100000000, 1, 2) a cross join range(1000000) b where a.id + b.id < 0"


def scenario(f):
    SCENARIOS[f.__name__] = f
    return f


def until(done, secs=120):
    end = time.time() + secs
    while not done():
        if time.time() > end:
            raise AssertionError("waited %d s in vain" % secs)
        time.sleep(0.05)


def fails(what):
    """Runs what is meant to fail."""
    try:
        what()
    except Exception:
        return
    raise AssertionError("this was meant to fail")


def settings():
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": OUT.as_uri(),
        "spark.eventLog.compress": "false",  # they are looked into while they grow
        "spark.eventLog.rolling.enabled": "false",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "3",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
    }


@scenario
def streaming():
    """State in one and in two operators, a watermark, late rows, no rows at all, a failure, a restart."""
    from pyspark.sql import SparkSession, functions as f
    builder = SparkSession.builder.master("local[2]").appName("streaming queries")
    for key, value in settings().items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    rate = spark.readStream.format("rate").option("rowsPerSecond", 20).load()
    late = rate.withColumn("timestamp", f.expr("timestamp - make_interval(0, 0, 0, 0, 0, 0, value % 30)"))
    windows = late.withWatermark("timestamp", "1 second").groupBy(f.window("timestamp", "1 second")).count()
    one = windows.writeStream.queryName("windows & <b>").outputMode("update").format("noop").start()
    distinct = late.withWatermark("timestamp", "2 seconds").dropDuplicates(["value", "timestamp"])
    counted = distinct.groupBy(f.window("timestamp", "1 second"), f.expr("value % 3")).count()
    spark.conf.set("spark.sql.streaming.statefulOperator.allowMultiple", "true")
    two = counted.writeStream.outputMode("append").format("noop").start()
    # The same checkpoint twice: one query, two runs.
    place = tempfile.mkdtemp(prefix="checkpoint-")
    files = tempfile.mkdtemp(prefix="files-")
    spark.range(5).write.mode("overwrite").json(files)
    again = spark.readStream.schema("id long").json(files).union(spark.readStream.schema("id long").json(files))
    for _ in range(2):
        writer = again.writeStream.queryName("again").format("noop").option("checkpointLocation", place)
        writer.trigger(availableNow=True).start().awaitTermination(120)
    # Nothing ever comes.
    empty = spark.readStream.schema("id long").json(tempfile.mkdtemp(prefix="nothing-"))
    idle = empty.writeStream.queryName("idle").format("noop").start()
    bad = rate.select(f.expr("raise_error('meant <i>to</i> fail')")).writeStream.queryName("bad").format("noop").start()
    fails(lambda: bad.awaitTermination(120) or 1 / 0)
    until(lambda: all(q.lastProgress and q.lastProgress["batchId"] >= 4 for q in (one, two)))
    for query in (one, two, idle):
        query.stop()
    spark.stop()
    still_running(max(OUT.iterdir(), key=lambda p: p.stat().st_mtime))


def still_running(log):
    """The same log, cut off before the first query ended, as of an application that was killed."""
    lines = log.read_text().splitlines()
    end = next(i for i, line in enumerate(lines) if "QueryTerminatedEvent" in line)
    text = "".join(line + "\n" for line in lines[:end])
    old = re.search(r'"App ID":"([^"]*)"', text)[1]
    (OUT / "app-still-streaming.inprogress").write_text(text.replace(old, "app-still-streaming"))


class Server:
    """A server that spark-submit runs, until the block ends."""

    def __init__(self, name, main, port, arguments=(), **conf):
        self.port = re.compile(port)
        self.folder = Path(tempfile.mkdtemp(prefix="server-"))
        every = dict(settings(), **{k.replace("__", "."): v for k, v in conf.items()})
        command = [str(HOME / "bin/spark-submit"), "--master", "local[2]", "--name", name, "--class", main]
        for key, value in every.items():
            command += ["--conf", "%s=%s" % (key, value)]
        with open(self.folder / "log", "wb") as log:
            command += [*arguments, "spark-internal"]
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT)

    def __enter__(self):
        until(lambda: self.process.poll() is not None or self.port.search(self.said()))
        found = self.port.search(self.said())
        if not found:
            raise AssertionError("the server has ended:\n" + self.said()[-3000:])
        self.event_log = next(p for p in OUT.iterdir() if p.name.endswith(".inprogress") and "local-" in p.name)
        return self, int(found[1])

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)

    def said(self):
        return (self.folder / "log").read_text(errors="replace")

    def until_logged(self, what, times):
        until(lambda: self.event_log.read_text(errors="replace").count(what) >= times)


def jvm(first=()):
    """A JVM with Spark's classes, those of `first` before all others."""
    opens = ["java.nio", "java.lang", "java.util", "java.lang.invoke"]
    options = ["--add-opens=java.base/%s=ALL-UNNAMED" % package for package in opens]
    port = launch_gateway(jarpath=glob.glob(str(HOME / "jars/py4j-*.jar"))[0], die_on_exit=True,
                          classpath=":".join([*first, str(HOME / "jars/*")]), javaopts=options)
    return JavaGateway(gateway_parameters=GatewayParameters(port=port))


def beside(what):
    def quietly():
        try:
            what()
        except Py4JJavaError:
            pass
    thread = threading.Thread(target=quietly)
    thread.start()
    return thread


@scenario
def thrift():
    """Sessions of two users; statements that finish, fail before and while they run, time out, are cancelled."""
    arguments = ["--hiveconf", "hive.server2.thrift.port=0", "--hiveconf", "hive.server2.thrift.bind.host=127.0.0.1"]
    main = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"
    server = Server("thrift <server>", main, r"ThriftBinaryCLIService on port (\d+)", arguments)
    with server as (server, port):
        gateway = jvm()
        gateway.jvm.java.lang.Class.forName("org.apache.hive.jdbc.HiveDriver")
        connect = lambda user: gateway.jvm.java.sql.DriverManager.getConnection(
            "jdbc:hive2://127.0.0.1:%d/default" % port, user, "")
        ann, bob, carol = connect("ann"), connect("bob"), connect("<i>carol</i>")
        statement = ann.createStatement()
        statement.executeQuery("select a.id, count(*) from range(100) a join range(10) b on a.id % 10 = b.id group by 1")
        statement.execute("create temporary view v as select id from range(10)")
        statement.executeQuery("select id,\n  '<a href=\"/\">&amp;</a>'\nfrom v")
        fails(lambda: statement.executeQuery("select * from no_such_table"))
        fails(lambda: statement.executeQuery("select raise_error('<b>boom</b>') from range(3)"))
        fails(lambda: statement.executeQuery("select from where"))
        ann.close()
        limited = bob.createStatement()
        limited.setQueryTimeout(1)
        fails(lambda: limited.executeQuery(ENDLESS))
        cancelled = bob.createStatement()
        jobs = server.event_log.read_text().count("SparkListenerJobStart")
        thread = beside(lambda: cancelled.executeQuery(ENDLESS))
        server.until_logged("SparkListenerJobStart", jobs + 1)
        cancelled.cancel()
        thread.join()
        bob.close()
        # Neither closed nor finished.
        carol.createStatement().executeQuery("show tables")
        gateway.shutdown()


@scenario
def connect():
    """Sessions of three users; operations that finish, fail before and while they run, are interrupted; tags."""
    client = glob.glob(str(HOME / "jars/connect-repl/spark-connect-client-jvm*.jar"))
    if not client:
        return
    main = "org.apache.spark.sql.connect.service.SparkConnectServer"
    server = Server("connect <server>", main, r"Spark Connect server started at: .*:(\d+)",
                    spark__connect__grpc__binding__port="0", spark__connect__grpc__binding__address="127.0.0.1")
    with server as (server, port):
        gateway = jvm(client)
        builder = gateway.jvm.org.apache.spark.sql.connect.SparkSession.builder
        session = lambda user: builder().remote("sc://127.0.0.1:%d/;user_id=%s" % (port, user)).create()
        ann, bob, carol = session("ann"), session("bob"), session("carol")
        ann.addTag("tag-b")
        ann.addTag("tag-a")
        ann.sql("select id % 3 k, count(*) from range(100) group by 1 order by 1").collectAsList()
        ann.clearTags()
        ann.sql("select '<a href=\"/\">&amp;</a>'").collectAsList()
        fails(lambda: ann.sql("select * from no_such_table").collectAsList())
        fails(lambda: ann.sql("select raise_error('<b>boom</b>') from range(3)").collectAsList())
        jobs = server.event_log.read_text().count("SparkListenerJobStart")
        thread = beside(lambda: bob.sql(ENDLESS).collectAsList())
        server.until_logged("SparkListenerJobStart", jobs + 1)
        bob.interruptAll()
        thread.join()
        ann.close()
        bob.close()
        # Its session stays open.
        carol.range(10).count()
        gateway.shutdown()


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    os.environ.update(SPARK_HOME=str(HOME), PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
    with tempfile.TemporaryDirectory(prefix="record-", ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = folder
        os.chdir(folder)  # Spark leaves spark-warehouse and metastore_db where it stands
        for name in sys.argv[2:] or SCENARIOS:
            try:
                SCENARIOS[name]()
            except Exception:
                print("scenario %s left out:\n%s" % (name, traceback.format_exc()), file=sys.stderr)
                if pyspark.SparkContext._active_spark_context:
                    pyspark.SparkContext._active_spark_context.stop()
        os.chdir(OUT)


main()
