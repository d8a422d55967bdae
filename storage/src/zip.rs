//! A ZIP archive, made while it is sent. Nothing is known in advance, so sizes follow their files; memory stays flat.

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress};
use futures::future::BoxFuture;
use futures::stream::{self, Stream, StreamExt as _};

use crate::ByteStream;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Sizes and checksum follow the data; names are UTF-8.
const FLAGS: u16 = 0x0808;
/// What can hold sizes of eight bytes.
const VERSION: u16 = 45;
/// From here on a size or an offset does not fit into four bytes.
const FOUR_BYTES: u64 = 0xffff_ffff;

/// What goes into an archive.
pub struct File<E = crate::Error> {
    /// Its path there; a folder's ends in `/`, and what it reads is not looked at.
    pub name: String,
    /// Whether bytes that begin like this are compressed as they are, and only wrapped.
    pub is_packed: fn(&str, &[u8]) -> bool,
    /// Opens it, when its turn has come.
    pub read: BoxFuture<'static, Result<ByteStream, E>>,
}

impl<E> std::fmt::Debug for File<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An archive under way.
struct Archive<E> {
    entries: std::vec::IntoIter<File<E>>,
    current: Option<Current>,
    written: u64,
    directory: Vec<u8>,
    count: u64,
    ended: bool,
}

/// The file that is being sent.
struct Current {
    name: String,
    bytes: ByteStream,
    /// Whether its bytes are compressed as they are, and only wrapped here.
    compressed: bool,
    deflate: Compress,
    crc: Crc,
    offset: u64,
}

/// The bytes of an archive of these files, each of any size.
///
/// # Errors
/// In the stream: what a file cannot be opened for, or a failure of the store.
pub fn stream<E>(entries: Vec<File<E>>) -> impl Stream<Item = Result<Bytes, E>> + Send
where
    E: From<crate::Error> + Send + 'static,
{
    let archive = Archive {
        entries: entries.into_iter(),
        current: None,
        written: 0,
        directory: Vec::new(),
        count: 0,
        ended: false,
    };
    // What was sent cannot be taken back: at an error, the connection breaks off.
    stream::try_unfold(archive, |mut archive: Archive<E>| async {
        let Some(bytes) = archive.next().await? else { return Ok(None) };
        archive.written += bytes.len() as u64;
        Ok(Some((Bytes::from(bytes), archive)))
    })
}

impl<E: From<crate::Error> + Send + 'static> Archive<E> {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, E> {
        if let Some(mut current) = self.current.take() {
            return match current.bytes.next().await {
                Some(bytes) => {
                    let (current, sent) = current.deflate_aside(bytes?).await;
                    self.current = Some(current);
                    Ok(Some(sent))
                }
                None => Ok(Some(self.end_file(current))),
            };
        }
        if let Some(entry) = self.entries.next() {
            return self.begin(entry).await.map(Some);
        }
        if self.ended {
            return Ok(None);
        }
        self.ended = true;
        Ok(Some(self.end()))
    }

    async fn begin(&mut self, entry: File<E>) -> Result<Vec<u8>, E> {
        let offset = self.written;
        let folder = entry.name.ends_with('/');
        let mut header = Vec::new();
        put_u32(&mut header, 0x0403_4b50);
        put_common(&mut header, if folder { STORED } else { DEFLATED }, folder);
        [0u32; 3].iter().for_each(|zero| put_u32(&mut header, *zero));
        put_u16(&mut header, entry.name.len() as u16);
        // Announces that the sizes behind the data have eight bytes.
        put_u16(&mut header, if folder { 0 } else { 20 });
        header.extend(entry.name.as_bytes());
        if folder {
            self.list(&entry.name, STORED, [0, 0, 0, offset]);
            return Ok(header);
        }
        put_u16(&mut header, 1);
        put_u16(&mut header, 16);
        header.extend([0; 16]);
        let mut bytes = entry.read.await?;
        let first = bytes.next().await.transpose()?.unwrap_or_default();
        let compressed = (entry.is_packed)(&entry.name, &first);
        let bytes = stream::iter([Ok(first)]).chain(bytes).boxed();
        // A file whose length is not told before it is sent has to be of the deflated kind, and that one can hold bytes as they are.
        let level = if compressed { Compression::none() } else { Compression::fast() };
        let deflate = Compress::new(level, false);
        self.current = Some(Current { name: entry.name, bytes, compressed, deflate, crc: Crc::new(), offset });
        Ok(header)
    }

    fn end_file(&mut self, mut current: Current) -> Vec<u8> {
        let mut bytes = current.deflate(&[], FlushCompress::Finish);
        let (packed, size) = (current.deflate.total_out(), current.deflate.total_in());
        put_u32(&mut bytes, 0x0807_4b50);
        put_u32(&mut bytes, current.crc.sum());
        put_u64(&mut bytes, packed);
        put_u64(&mut bytes, size);
        self.list(&current.name, DEFLATED, [current.crc.sum().into(), packed, size, current.offset]);
        bytes
    }

    /// Adds an entry to the directory: checksum, packed size, size and offset.
    fn list(&mut self, name: &str, method: u16, [crc, packed, size, offset]: [u64; 4]) {
        let out = &mut self.directory;
        self.count += 1;
        put_u32(out, 0x0201_4b50);
        put_u16(out, VERSION);
        put_common(out, method, method == STORED);
        put_u32(out, crc as u32);
        put_u32(out, FOUR_BYTES as u32);
        put_u32(out, FOUR_BYTES as u32);
        put_u16(out, name.len() as u16);
        put_u16(out, 28);
        [0u16; 3].iter().for_each(|zero| put_u16(out, *zero));
        put_u32(out, if method == STORED { 0x10 } else { 0 });
        put_u32(out, FOUR_BYTES as u32);
        out.extend(name.as_bytes());
        put_u16(out, 1);
        put_u16(out, 24);
        [size, packed, offset].iter().for_each(|value| put_u64(out, *value));
    }

    fn end(&mut self) -> Vec<u8> {
        let (start, size) = (self.written, self.directory.len() as u64);
        let mut out = std::mem::take(&mut self.directory);
        put_u32(&mut out, 0x0606_4b50);
        put_u64(&mut out, 44);
        put_u16(&mut out, VERSION);
        put_u16(&mut out, VERSION);
        put_u64(&mut out, 0);
        [self.count, self.count, size, start].iter().for_each(|value| put_u64(&mut out, *value));
        put_u32(&mut out, 0x0706_4b50);
        put_u32(&mut out, 0);
        put_u64(&mut out, start + size);
        put_u32(&mut out, 1);
        put_u32(&mut out, 0x0605_4b50);
        put_u32(&mut out, 0);
        let count = u16::try_from(self.count).unwrap_or(u16::MAX);
        put_u16(&mut out, count);
        put_u16(&mut out, count);
        put_u32(&mut out, u32::try_from(size).unwrap_or(u32::MAX));
        put_u32(&mut out, u32::try_from(start).unwrap_or(u32::MAX));
        put_u16(&mut out, 0);
        out
    }
}

impl Current {
    /// Deflates where it keeps nobody else from being served.
    async fn deflate_aside(mut self, bytes: Bytes) -> (Self, Vec<u8>) {
        if self.compressed {
            let sent = self.deflate(&bytes, FlushCompress::None);
            return (self, sent);
        }
        let deflated = tokio::task::spawn_blocking(move || {
            let sent = self.deflate(&bytes, FlushCompress::None);
            (self, sent)
        });
        match deflated.await {
            Ok(deflated) => deflated,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is going down, and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    fn deflate(&mut self, mut bytes: &[u8], flush: FlushCompress) -> Vec<u8> {
        self.crc.update(bytes);
        let mut out = Vec::with_capacity(bytes.len() / 2 + 1024);
        loop {
            let before = self.deflate.total_in();
            // Never refuses: the stream is neither broken nor ended before.
            let status = self.deflate.compress_vec(bytes, &mut out, flush);
            bytes = bytes.get((self.deflate.total_in() - before) as usize..).unwrap_or_default();
            let ended = matches!(status, Ok(flate2::Status::StreamEnd) | Err(_));
            if ended || (bytes.is_empty() && !matches!(flush, FlushCompress::Finish) && out.len() < out.capacity()) {
                return out;
            }
            out.reserve(bytes.len() / 2 + 1024);
        }
    }
}

/// Version, flags, method, time and date, as both kinds of headers have them.
fn put_common(out: &mut Vec<u8>, method: u16, folder: bool) {
    put_u16(out, VERSION);
    put_u16(out, if folder { FLAGS & !8 } else { FLAGS });
    put_u16(out, method);
    put_u16(out, 0);
    // 1980-01-01, the first day there is.
    put_u16(out, 0x21);
}

fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend(value.to_le_bytes());
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}

fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend(value.to_le_bytes());
}
