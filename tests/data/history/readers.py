#!/usr/bin/env python3
"""What a program finds in every table that a history server keeps, as one line of JSON.

    readers.py pyarrow|duckdb|spark HISTORY      the `history` folder of a store

For each table how many rows there are, and for each column its type, how many values are not null, and a sum: of numbers, of
milliseconds since the epoch, of bytes of text, or of how many items lists and maps have. Of fractions there is none, for it would
depend on the order.
"""
import collections, glob, json, os, sys

READER, HISTORY = sys.argv[1:]
TABLES = collections.defaultdict(list)
for path in sorted(glob.glob(HISTORY + "/*/*/*.parquet")):
    TABLES[os.path.basename(path)[:-len(".parquet")]].append(path)


def kind_of(name):
    """The kind of a type, as the three programs call it."""
    name = name.lower()
    for beginning, kind in [
        ("map", "map"), ("list", "list"), ("array", "list"), ("timestamp", "time"), ("string", "text"), ("varchar", "text"),
        ("int64", "int"), ("bigint", "int"), ("int32", "int"), ("int", "int"), ("double", "double"), ("bool", "bool"),
    ]:
        if name.startswith(beginning):
            return "list" if name.endswith("[]") else kind
    raise ValueError(name)


def with_pyarrow(paths):
    import pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq
    table = pa.concat_tables([pq.ParquetFile(path).read() for path in paths])

    def column(field):
        values, kind = table[field.name], kind_of(str(field.type))
        if kind == "time":
            assert str(field.type) == "timestamp[ms, tz=UTC]", field
        if kind == "map":
            total = sum(len(value) for value in values.to_pylist())
        elif kind == "double":
            total = None
        else:
            numbers = {"int": lambda: values, "bool": lambda: values.cast("int64"), "time": lambda: values.cast("int64"),
                       "text": lambda: pc.binary_length(values), "list": lambda: pc.list_value_length(values)}[kind]()
            total = pc.sum(numbers.cast("int64")).as_py() or 0
        return [kind, len(values) - values.null_count, total]

    return {"rows": len(table), "columns": {field.name: column(field) for field in table.schema}}


def with_duckdb(paths):
    import duckdb
    table = "read_parquet(%s)" % json.dumps(paths).replace('"', "'")
    sums = {"int": '"%s"::HUGEINT', "bool": '"%s"::INT', "time": 'epoch_ms("%s")', "text": 'strlen("%s")', "list": 'len("%s")',
            "map": 'cardinality("%s")'}
    columns = {}
    for name, type_name, *_ in duckdb.sql("DESCRIBE SELECT * FROM " + table).fetchall():
        kind = kind_of(type_name)
        if kind == "time":
            assert type_name == "TIMESTAMP WITH TIME ZONE", name
        total = "NULL" if kind == "double" else "coalesce(sum(%s), 0)::BIGINT" % (sums[kind] % name)
        columns[name] = [kind, *duckdb.sql('SELECT count("%s"), %s FROM %s' % (name, total, table)).fetchall()[0]]
    return {"rows": duckdb.sql("SELECT count(*) FROM " + table).fetchall()[0][0], "columns": columns}


def with_spark(paths):
    table = SPARK.read.parquet(*paths)
    sums = {"int": "`%s`", "bool": "int(`%s`)", "time": "unix_millis(`%s`)", "text": "octet_length(`%s`)", "list": "size(`%s`)",
            "map": "size(`%s`)"}
    kinds = {name: kind_of(type_name) for name, type_name in table.dtypes}
    asked = ["count(*)"]
    for name, kind in kinds.items():
        asked += ["count(`%s`)" % name, "null" if kind == "double" else "coalesce(sum(%s), 0)" % (sums[kind] % name)]
    rows, *found = table.selectExpr(*asked).collect()[0]
    return {"rows": rows, "columns": {name: [kind, found[2 * at], found[2 * at + 1]] for at, (name, kind) in enumerate(kinds.items())}}


if READER == "spark":
    from pyspark.sql import SparkSession
    SPARK = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config(
        "spark.sql.shuffle.partitions", "2").config("spark.driver.host", "127.0.0.1").config(
        "spark.driver.bindAddress", "127.0.0.1").config(
        # Hundreds of columns and few rows: to compile would take longer than to read.
        "spark.sql.codegen.wholeStage", "false").config("spark.sql.codegen.factoryMode", "NO_CODEGEN").getOrCreate()
    SPARK.sparkContext.setLogLevel("OFF")
read = {"pyarrow": with_pyarrow, "duckdb": with_duckdb, "spark": with_spark}[READER]
print(json.dumps({name: read(paths) for name, paths in TABLES.items()}))
