//! What a store is made of: its client, and the two things that not every kind of store can do.

use std::fmt;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::list::PaginatedListStore;
use object_store::signer::Signer;

/// One client under several names. A cloud's client can also sign URLs and list in pages.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) signer: Option<Arc<dyn Signer>>,
    pub(crate) pages: Option<Arc<dyn PaginatedListStore>>,
}

impl Backend {
    /// A store that neither signs nor lists in pages.
    pub(crate) fn local(objects: impl ObjectStore) -> Self {
        Self { objects: Arc::new(objects), signer: None, pages: None }
    }

    pub(crate) fn cloud(client: impl ObjectStore + Signer + PaginatedListStore) -> Self {
        Self::shared(Arc::new(client))
    }

    pub(crate) fn shared(client: Arc<impl ObjectStore + Signer + PaginatedListStore>) -> Self {
        Self {
            objects: Arc::clone(&client) as Arc<dyn ObjectStore>,
            signer: Some(Arc::clone(&client) as Arc<dyn Signer>),
            pages: Some(client),
        }
    }

    /// The same, with every request that reads or writes objects going through `wrap`.
    pub(crate) fn wrapped(self, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        Self { objects: wrap(self.objects), ..self }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.objects)
    }
}
