use axum::Router;

use crate::{Staging, plain, v0, v1, webhdfs};

impl Staging {
    /// All that it serves: `/webhdfs/v1/…`, plain GET of `/staging/…` and `/pod-templates/…`, `/api/v0/…` and `/v1/…`.
    pub fn router(&self) -> Router {
        let doors = [plain::router(), v0::router(), v1::router(), webhdfs::router()];
        doors.into_iter().fold(Router::new(), Router::merge).with_state(self.clone())
    }
}
