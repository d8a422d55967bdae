//! `/storage/` and `/storage/rdd/?id=`.

use axum::response::Response;
use history_server::api::v1::types::{RDDDataDistribution, RDDPartitionInfo, RDDStorageInfo};
use history_server::model::StreamBlock;

use crate::app::App;
use crate::cell::Cell;
use crate::error::Error;
use crate::format;
use crate::frame::Fact;
use crate::pages::plain::PlainPage;
use crate::params::Params;
use crate::table::{Column, Rank, TableSpec};

/// RDDs and tables that are cached.
pub(crate) async fn list(app: App, params: Params) -> Response {
    // Spark shows those of which something is there.
    let cached = app.model().rdds.iter().filter(|rdd| rdd.num_cached_partitions > 0).cloned().collect();
    let mut tables = vec![rdd_table(&app).draw_searched(cached, &params)];
    let blocks: Vec<&StreamBlock> = app.model().stream_blocks.iter().collect();
    if !blocks.is_empty() {
        tables.push(receiver_table().draw_searched(blocks, &params));
    }
    PlainPage { frame: app.frame("Storage", "storage"), title: "Storage".to_owned(), facts: Vec::new(), tables }
        .answer()
}

fn rdd_table(app: &App) -> TableSpec<'_, RDDStorageInfo> {
    let columns = vec![
        Column::new("ID", |rdd: &RDDStorageInfo| Cell::link(rdd.id.to_string(), app.links.rdd(rdd.id.into())))
            .by(|rdd| rdd.id),
        Column::new("RDD Name", |rdd: &RDDStorageInfo| {
            Cell::link(rdd.name.clone().unwrap_or_default(), app.links.rdd(rdd.id.into()))
        })
        .prose()
        .by(|rdd| rdd.name.clone()),
        Column::new("Storage Level", |rdd: &RDDStorageInfo| Cell::Text(rdd.storage_level.clone()))
            .by(|rdd| rdd.storage_level.clone()),
        Column::new("Cached Partitions", |rdd: &RDDStorageInfo| Cell::number(rdd.num_cached_partitions.into()))
            .number()
            .by(|rdd| rdd.num_cached_partitions),
        Column::new("Fraction Cached", |rdd: &RDDStorageInfo| Cell::Text(fraction(rdd))).number(),
        Column::new("Size in Memory", |rdd: &RDDStorageInfo| Cell::bytes(rdd.memory_used))
            .number()
            .by(|rdd| rdd.memory_used),
        Column::new("Size on Disk", |rdd: &RDDStorageInfo| Cell::bytes(rdd.disk_used)).number().by(|rdd| rdd.disk_used),
    ];
    let empty = "Nothing is cached, or the event log does not tell: Spark writes what is cached only with \
                 spark.eventLog.logBlockUpdates.enabled=true, and forgets what was unpersisted.";
    TableSpec { tag: "rdd", title: "RDDs", columns, sort: ("ID", false), empty }
}

/// Blocks that receivers of `DStream`s stored.
fn receiver_table<'a>() -> TableSpec<'a, &'a StreamBlock> {
    let kind = |block: &StreamBlock| match (block.use_memory, block.deserialized) {
        (true, true) => "Memory",
        (true, false) => "Memory Serialized",
        (false, _) => "Disk",
    };
    let columns = vec![
        Column::new("Block ID", |block: &&StreamBlock| Cell::Text(block.name.clone())).by(|block| block.name.clone()),
        Column::new("Replication Level", |block: &&StreamBlock| Cell::Text(block.storage_level.clone()))
            .rank(Rank::Medium),
        Column::new("Location", |block: &&StreamBlock| Cell::Text(block.host_port.clone())),
        Column::new("Storage Level", move |block: &&StreamBlock| Cell::Text(kind(block).to_owned())),
        Column::new("Size", |block: &&StreamBlock| Cell::bytes(block.memory_size.max(block.disk_size)))
            .number()
            .by(|block| block.memory_size.max(block.disk_size)),
    ];
    TableSpec { tag: "receiverBlock", title: "Receiver blocks", columns, sort: ("Block ID", false), empty: "" }
}

fn fraction(rdd: &RDDStorageInfo) -> String {
    format!("{}%", i64::from(rdd.num_cached_partitions) * 100 / i64::from(rdd.num_partitions).max(1))
}

/// One RDD: where its blocks are.
pub(crate) async fn detail(app: App, params: Params) -> Result<Response, Error> {
    let id = params.number("id").ok_or_else(|| app.missing("id", "the number of an RDD", "storage"))?;
    let Some(rdd) = i32::try_from(id).ok().and_then(|id| app.model().rdd(id)).cloned() else {
        return Err(app.no_such(&format!("cached RDD {id}"), "storage", "All that is cached"));
    };
    let facts = vec![
        Fact::text("Storage level", rdd.storage_level.clone()),
        Fact::text("Cached partitions", format!("{} of {}", rdd.num_cached_partitions, rdd.num_partitions)),
        Fact::text("Memory", format::bytes(rdd.memory_used)),
        Fact::text("Disk", format::bytes(rdd.disk_used)),
    ];
    let page = PlainPage {
        frame: app.frame(&format!("RDD {id}"), "storage"),
        title: format!("RDD {id}: {}", rdd.name.unwrap_or_default()),
        facts,
        tables: vec![
            distribution_table().draw(rdd.data_distribution.unwrap_or_default(), &params),
            block_table().draw_searched(rdd.partitions.unwrap_or_default(), &params),
        ],
    };
    Ok(page.answer())
}

fn distribution_table() -> TableSpec<'static, RDDDataDistribution> {
    let used = |one: &RDDDataDistribution| one.on_heap_memory_used.unwrap_or(one.memory_used);
    let left = |one: &RDDDataDistribution| one.on_heap_memory_remaining.unwrap_or(one.memory_remaining);
    let columns = vec![
        Column::new("Host", |one: &RDDDataDistribution| Cell::Text(one.address.clone().unwrap_or_default()))
            .by(|one| one.address.clone()),
        Column::new("On Heap Memory Usage", move |one: &RDDDataDistribution| {
            Cell::Text(format!("{} ({} remaining)", format::bytes(used(one)), format::bytes(left(one))))
        })
        .number()
        .by(used),
        Column::new("Off Heap Memory Usage", |one: &RDDDataDistribution| {
            let (used, left) = (one.off_heap_memory_used, one.off_heap_memory_remaining);
            Cell::Text(format!("{} ({} remaining)", format::bytes(used.unwrap_or(0)), format::bytes(left.unwrap_or(0))))
        })
        .number()
        .rank(Rank::Medium),
        Column::new("Disk Usage", |one: &RDDDataDistribution| Cell::bytes(one.disk_used))
            .number()
            .by(|one| one.disk_used),
    ];
    let empty = "No executor holds a part of it.";
    TableSpec { tag: "host", title: "On which hosts", columns, sort: ("Host", false), empty }
}

fn block_table() -> TableSpec<'static, RDDPartitionInfo> {
    let columns = vec![
        Column::new("Block Name", |block: &RDDPartitionInfo| Cell::Text(block.block_name.clone()))
            .by(|block| block_order(&block.block_name)),
        Column::new("Storage Level", |block: &RDDPartitionInfo| Cell::Text(block.storage_level.clone())),
        Column::new("Size in Memory", |block: &RDDPartitionInfo| Cell::bytes(block.memory_used))
            .number()
            .by(|block| block.memory_used),
        Column::new("Size on Disk", |block: &RDDPartitionInfo| Cell::bytes(block.disk_used))
            .number()
            .by(|block| block.disk_used),
        Column::new("Executors", |block: &RDDPartitionInfo| Cell::Text(block.executors.join(", "))),
    ];
    TableSpec { tag: "block", title: "Partitions", columns, sort: ("Block Name", false), empty: "No block is cached." }
}

/// `rdd_2_10` after `rdd_2_9`.
fn block_order(name: &str) -> (i64, String) {
    (name.rsplit('_').next().and_then(|number| number.parse().ok()).unwrap_or(i64::MAX), name.to_owned())
}
