//! Takes local jars and files from submitters and serves them to drivers, executors and init containers.
