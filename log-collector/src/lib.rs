//! Ships the logs of Spark's pods, and Spark's event logs, into the store; reads shipped logs back.
