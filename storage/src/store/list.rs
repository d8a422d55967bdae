use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::list::{PaginatedListOptions, PaginatedListStore};

use super::{Listing, ObjectMeta, Store};
use crate::{Error, ObjectPath, Result};

impl Store {
    /// Every object below `folder`, at any depth. Folders and memory answer in no order, clouds sorted.
    pub fn list(&self, folder: &ObjectPath) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, folder) = (self.clone(), folder.clone());
        let full = match self.full(&folder) {
            Ok(full) => full,
            Err(error) => return futures::stream::once(async { Err(error) }).boxed(),
        };
        let inner = if full.as_ref().is_empty() { self.inner().list(None) } else { self.inner().list(Some(&full)) };
        inner
            .map(move |meta| match meta.map_err(|e| Error::from_store(&folder, e)) {
                Ok(meta) => Ok(store.relative(&meta.location).map(|path| store.meta(path, &meta))),
                // Where a part of the path is a file, or it went while it was looked at, there is nothing.
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(error),
            })
            .try_filter_map(|meta| async { Ok(meta) })
            .boxed()
    }

    /// What lies directly in `folder`. A folder that is not there is empty: stores know no folders.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn list_folder(&self, folder: &ObjectPath) -> Result<Listing> {
        let full = self.full(folder)?;
        let prefix = (!full.as_ref().is_empty()).then_some(&full);
        let found = match self.inner().list_with_delimiter(prefix).await.map_err(|e| Error::from_store(folder, e)) {
            Err(error) if error.is_not_found() => return Ok(Listing::default()),
            found => found?,
        };
        let mut folders: Vec<_> = found.common_prefixes.iter().filter_map(|p| self.relative(p)).collect();
        let mut objects: Vec<_> =
            (found.objects.iter()).filter_map(|meta| Some(self.meta(self.relative(&meta.location)?, meta))).collect();
        folders.sort_unstable();
        objects.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(Listing { folders, objects })
    }

    /// As [`Store::list`], but only what sorts behind `after` (a path of this store, there or not). What is before it is
    /// not looked at, where the store can do so.
    pub fn list_after(&self, folder: &ObjectPath, after: &ObjectPath) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, folder) = (self.clone(), folder.clone());
        let (full, offset) = match (self.full(&folder), self.full(after)) {
            (Ok(full), Ok(offset)) => (full, offset),
            (Err(error), _) | (_, Err(error)) => return futures::stream::once(async { Err(error) }).boxed(),
        };
        let after = after.clone();
        let prefix = (!full.as_ref().is_empty()).then_some(&full);
        self.inner()
            .list_with_offset(prefix, &offset)
            .map(move |meta| match meta.map_err(|e| Error::from_store(&folder, e)) {
                Ok(meta) => Ok(store.relative(&meta.location).map(|path| store.meta(path, &meta))),
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(error),
            })
            // Names that a folder has to escape sort otherwise there.
            .try_filter_map(move |meta| {
                let behind = meta.filter(|meta| meta.path > after);
                async { Ok(behind) }
            })
            .boxed()
    }

    /// One page of what lies directly in `folder`: at most `limit` names (1,000 at most on clouds), in the order of the
    /// store's keys, in which a folder `a` is `a/` and so comes behind a file `a-b`. The page begins behind the key of
    /// `after`, a path directly in `folder`.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn list_page(&self, folder: &ObjectPath, after: Option<&After>, limit: usize) -> Result<Page> {
        let from = after.map(|after| self.full(&after.path).map(|full| (full, after.is_folder))).transpose()?;
        let Some(pages) = &self.backend.pages else {
            return Ok(cut(self.list_folder(folder).await?, after, limit));
        };
        let from = from.map(|(full, is_folder)| match is_folder {
            // Behind everything below it: no key has a letter behind this one.
            true => format!("{full}/\u{10ffff}"),
            false => full.to_string(),
        });
        self.one_page(pages.as_ref(), folder, from, limit).await
    }

    async fn one_page(
        &self,
        pages: &dyn PaginatedListStore,
        folder: &ObjectPath,
        offset: Option<String>,
        limit: usize,
    ) -> Result<Page> {
        let full = self.full(folder)?;
        let prefix = (!full.as_ref().is_empty()).then(|| format!("{full}/"));
        let options = PaginatedListOptions {
            offset,
            delimiter: Some("/".into()),
            max_keys: Some(limit),
            ..PaginatedListOptions::default()
        };
        let found = pages.list_paginated(prefix.as_deref(), options).await.map_err(|e| Error::from_store(folder, e))?;
        let listing = Listing {
            folders: found.result.common_prefixes.iter().filter_map(|p| self.relative(p)).collect(),
            objects: (found.result.objects.iter())
                .filter_map(|meta| Some(self.meta(self.relative(&meta.location)?, meta)))
                .collect(),
        };
        Ok(Page { is_last: found.page_token.is_none(), ..cut(listing, None, usize::MAX) })
    }
}

/// Behind what a page of a folder begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// Its path.
    pub path: ObjectPath,
    /// Whether it is a folder, behind whose contents the page begins.
    pub is_folder: bool,
}

/// Some of what lies directly in a folder, in the order of the store's keys. See [`Store::list_page`].
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Folders and objects.
    pub entries: Vec<PageEntry>,
    /// Whether nothing comes behind them.
    pub is_last: bool,
}

/// One name in a [`Page`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageEntry {
    /// A path that has something below it.
    Folder(ObjectPath),
    /// An object.
    Object(ObjectMeta),
}

impl PageEntry {
    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &ObjectPath {
        match self {
            Self::Folder(path) => path,
            Self::Object(meta) => &meta.path,
        }
    }

    /// This entry as what the next page begins behind.
    #[must_use]
    pub fn as_after(&self) -> After {
        After { path: self.path().clone(), is_folder: matches!(self, Self::Folder(_)) }
    }
}

/// What a store sorts by.
fn sort_key(path: &ObjectPath, is_folder: bool) -> String {
    format!("{}{}", path.as_str(), if is_folder { "/" } else { "" })
}

fn cut(listing: Listing, after: Option<&After>, limit: usize) -> Page {
    let mut entries: Vec<PageEntry> = listing.folders.into_iter().map(PageEntry::Folder).collect();
    entries.extend(listing.objects.into_iter().map(PageEntry::Object));
    entries.sort_by_cached_key(|entry| sort_key(entry.path(), matches!(entry, PageEntry::Folder(_))));
    if let Some(after) = after {
        let key = sort_key(&after.path, after.is_folder);
        entries.retain(|entry| sort_key(entry.path(), matches!(entry, PageEntry::Folder(_))) > key);
    }
    let is_last = entries.len() <= limit;
    entries.truncate(limit);
    Page { entries, is_last }
}
