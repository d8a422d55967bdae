#!/usr/bin/env python3
"""Records what `hearth --sample` shows: real applications of real Spark, through the log collector, into an archive.

    record.py SPARK_ENVIRONMENT HEARTH OUT.tar.gz

SPARK_ENVIRONMENT is a Python environment with pyspark (tests/setup leaves ~/.cache/hearth-tests/pyspark-4.3.0), HEARTH the
binary. Needs root on Linux: it runs in namespaces of its own, so that no address, path or name of the machine gets into the
logs, and one application's executors run in a cgroup with less memory than they take.

Applications run one after another (applications.py) on a master and two workers. What drivers and executors write is put into
files as a container runtime does, and a collector ships them, and the event logs, as on a node. The last application is ended
in the middle, and its log stays as it was then.
"""
import os, re, shutil, signal, subprocess, sys, tarfile, tempfile, threading, time, urllib.request, uuid
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMESPACE = "analytics"
HOSTS = {"spark-node": "127.0.0.1", "node-a": "127.0.0.11", "node-b": "127.0.0.12"}
ORDER = ["sales", "skewed", "killed", "streaming", "running"]
# Java, but an executor that is told a limit runs within it.
JAVA = """#!/bin/sh
case "$* " in *CoarseGrainedExecutorBackend*)
  if [ -n "$MEMORY_LIMIT_MB" ]; then
    group=/sys/fs/cgroup/memory/hearth-sample-$$
    mkdir "$group" && echo "${MEMORY_LIMIT_MB}M" > "$group/memory.limit_in_bytes" && echo $$ > "$group/cgroup.procs"
  fi;;
esac
exec %s "$@"
"""


def run_apart():
    """Once more, in namespaces in which nothing of the machine can be seen but its programs."""
    os.execvp("unshare", ["unshare", "--mount", "--uts", "--net", sys.executable, __file__, "--apart", *sys.argv[1:]])


def call(*command):
    subprocess.run([str(part) for part in command], check=True)


def prepare(environment, work):
    call("hostname", "spark-node")
    call("ip", "link", "set", "lo", "up")
    for folder in ("/opt", "/data"):
        Path(folder).mkdir(exist_ok=True)
        call("mount", "-t", "tmpfs", "none", folder)
    spark = next(Path(environment).glob("lib/python3*/site-packages/pyspark"))
    for source, target in ((environment, "/opt/python"), (spark, "/opt/spark")):
        Path(target).mkdir()
        call("mount", "--bind", source, target)
    for folder in ("/opt/work-dir", "/opt/event-logs", "/opt/java/bin", "/opt/executors", "/opt/tmp", "/opt/applications"):
        Path(folder).mkdir(parents=True)
    call("mount", "--bind", HERE, "/opt/applications")
    hosts = work / "hosts"
    hosts.write_text("127.0.0.1 localhost\n" + "".join("%s %s\n" % (ip, name) for name, ip in HOSTS.items()))
    call("mount", "--bind", hosts, "/etc/hosts")
    java = Path("/opt/java/bin/java")
    java.write_text(JAVA % os.path.realpath(shutil.which("java")))
    java.chmod(0o755)


ENVIRONMENT = {
    "PATH": "/opt/java/bin:/usr/local/bin:/usr/bin:/bin", "HOME": "/opt/work-dir", "LANG": "C.UTF-8", "TZ": "UTC",
    "JAVA_HOME": "/opt/java", "SPARK_HOME": "/opt/spark", "PYSPARK_PYTHON": "/opt/python/bin/python", "SPARK_USER": "analyst",
    "SPARK_LOCAL_DIRS": "/opt/tmp", "TMPDIR": "/opt/tmp", "SPARK_NO_DAEMONIZE": "1",
}
LOG = None


def start(*command, **more):
    options = {"stdout": LOG, "stderr": LOG, "env": ENVIRONMENT, "cwd": "/opt/work-dir", "start_new_session": True}
    return subprocess.Popen(command, **{**options, **more})


def until(done, what, seconds=300):
    end = time.time() + seconds
    while not done():
        if time.time() > end:
            raise AssertionError("waited %d s in vain for %s" % (seconds, what))
        time.sleep(0.1)


class Container:
    """A container's log file, as a container runtime writes it."""

    def __init__(self, pods, pod, name):
        self.folder = pods / ("%s_%s_%s" % (NAMESPACE, pod, uuid.uuid4()))
        (self.folder / name).mkdir(parents=True)
        self.file = open(self.folder / name / "0.log", "ab", buffering=0)
        self.lock = threading.Lock()

    def write(self, stream, line):
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        with self.lock:
            self.file.write(b"%s %s F %s\n" % (now.encode(), stream.encode(), line.rstrip(b"\n")))

    def take(self, stream, lines):
        for line in lines:
            self.write(stream, line)


class Executors:
    """Copies what the worker keeps of executors' output, as it comes."""

    def __init__(self, pods, prefix):
        self.pods, self.prefix, self.at, self.containers = pods, prefix, {}, {}
        self.known = set(Path("/opt/executors").glob("*/app-*"))
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.follow)
        self.thread.start()

    def follow(self):
        while not self.ended.wait(0.05):
            self.look(False)
        self.look(True)

    def look(self, whole):
        for file in Path("/opt/executors").glob("*/app-*/*/std*"):
            if file.name not in ("stdout", "stderr") or file.parent.parent in self.known:
                continue
            number = file.parent.name
            container = self.containers.get(number)
            if container is None:
                container = Container(self.pods, "%s-exec-%s" % (self.prefix, number), "spark-kubernetes-executor")
                self.containers[number] = container
            with open(file, "rb") as opened:
                opened.seek(self.at.get(file, 0))
                for line in opened:
                    if not line.endswith(b"\n") and not whole:
                        break
                    container.write(file.name, line)
                    self.at[file] = self.at.get(file, 0) + len(line)

    def end(self):
        self.ended.set()
        self.thread.join()
        return list(self.containers.values())


class Collector:
    def __init__(self, hearth, store, pods):
        self.process = start(
            hearth, "log-collector", "--store", store.as_uri().replace("file://", "file:"), "--pod-logs", str(pods),
            "--pod-identity", "names", "--event-log-dir", "/opt/event-logs", "--flush-interval", "2s",
            "--admin-listen", "127.0.0.1:18090")
        until(lambda: self.number("followed_logs") is not None, "the collector")

    def number(self, name):
        try:
            text = urllib.request.urlopen("http://127.0.0.1:18090/metrics", timeout=5).read().decode()
        except OSError:
            return None
        found = [float(line.split()[-1]) for line in text.splitlines() if line.startswith("hearth_log_collector_" + name)]
        return sum(found) if found else None

    def is_idle(self):
        return self.number("lag_bytes") == 0

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0


def submit(name, pods, collector):
    prefix = "%s-%s" % (name, uuid.uuid4().hex[:16])
    driver = Container(pods, prefix + "-driver", "spark-kubernetes-driver")
    executors = Executors(pods, prefix)
    conf = {
        "spark.master": "spark://spark-node:7077", "spark.driver.host": "spark-node", "spark.ui.enabled": "false",
        "spark.executor.cores": "1", "spark.cores.max": "3", "spark.executor.memory": "600m", "spark.driver.memory": "600m",
        "spark.eventLog.enabled": "true", "spark.eventLog.dir": "file:/opt/event-logs",
        "spark.eventLog.compress": "true", "spark.eventLog.logStageExecutorMetrics": "true",
        "spark.executor.metrics.pollingInterval": "100ms", "spark.kubernetes.namespace": NAMESPACE,
        "spark.kubernetes.driver.pod.name": prefix + "-driver", "spark.kubernetes.executor.podNamePrefix": prefix,
        "spark.sql.warehouse.dir": "file:/opt/work-dir/warehouse",
    }
    command = ["/opt/spark/bin/spark-submit"]
    for key, value in conf.items():
        command += ["--conf", "%s=%s" % (key, value)]
    process = start(*command, "/opt/applications/applications.py", name, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    readers = [threading.Thread(target=driver.take, args=(stream, pipe))
               for stream, pipe in (("stdout", process.stdout), ("stderr", process.stderr))]
    for reader in readers:
        reader.start()
    if name == "running":
        until(lambda: any(Path("/data/backfill").glob("05/_SUCCESS")), "five months")
        time.sleep(1.5)
        executors.end()
        until(collector.is_idle, "the collector to have all")
        collector.end()
        os.killpg(process.pid, signal.SIGKILL)
    code = process.wait(600)
    for reader in readers:
        reader.join()
    print("%s ended with %s" % (name, code), flush=True)
    if name == "running":
        return
    gone = [driver, *executors.end()]
    until(collector.is_idle, "the collector to have all")
    for container in gone:
        shutil.rmtree(container.folder)
    # What a pod wrote is known to be whole when its files are gone.
    until(lambda: collector.number("containers") == 0 and collector.is_idle(), "the collector to be done")


def main():
    global LOG
    _, _, environment, hearth, out = sys.argv
    work = Path(tempfile.mkdtemp(prefix="sample-"))
    out, hearth = Path(out).resolve(), Path(hearth).resolve()
    LOG = open(work / "log", "wb")
    store, pods = work / "store", work / "pods"
    store.mkdir(), pods.mkdir()
    prepare(Path(environment).resolve(), work)
    own = "/opt/spark/bin/spark-class"
    nodes = [start(own, "org.apache.spark.deploy.master.Master", "--host", "spark-node", "--port", "7077")]
    for node in ("node-a", "node-b"):
        nodes.append(start(own, "org.apache.spark.deploy.worker.Worker", "--host", node, "--cores", "2", "--memory", "5g",
                           "--work-dir", "/opt/executors/" + node, "spark://spark-node:7077"))
    try:
        collector = Collector(str(hearth), store, pods)
        for name in ORDER:
            submit(name, pods, collector)
    finally:
        for node in nodes:
            os.killpg(node.pid, signal.SIGKILL)
        for group in Path("/sys/fs/cgroup/memory").glob("hearth-sample-*"):
            try:
                until(lambda: not (group / "cgroup.procs").read_text().strip(), "the executors to end", 30)
                group.rmdir()
            except (AssertionError, OSError) as error:
                print(group, error, file=sys.stderr)

    def plain(entry):
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    with tarfile.open(out, "w:gz") as archive:
        for folder in ("event-logs", "logs"):
            archive.add(store / folder, folder, filter=plain)
    print("%s has %d bytes; what was said is in %s" % (out, out.stat().st_size, LOG.name))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--apart"]:
        main()
    elif len(sys.argv) == 4:
        run_apart()
    else:
        sys.exit(__doc__)
