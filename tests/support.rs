//! What the tests of all tiers share: waiting, processes, the `hearth` binary, programs of the cache, a browser.

#![allow(dead_code, reason = "each tier uses its part of this")]
