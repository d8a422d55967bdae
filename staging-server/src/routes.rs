use axum::Router;

use crate::{Staging, plain, v0, webhdfs};

impl Staging {
    /// All that it serves: `/webhdfs/v1/…`, plain GET of `/staging/…` and `/pod-templates/…`, and `/api/v0/…`.
    pub fn router(&self) -> Router {
        Router::new().merge(plain::router()).merge(v0::router()).merge(webhdfs::router()).with_state(self.clone())
    }
}
