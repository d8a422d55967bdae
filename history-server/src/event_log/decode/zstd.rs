use std::io;

use zstd::stream::raw::{Decoder, InBuffer, Operation as _, OutBuffer};

use super::fault::{damaged, truncated};
use super::input::Input;

/// Concatenated frames. Spark's writer closes one at every flush: a log of some hundred kilobytes has hundreds.
pub(super) struct Frames {
    decoder: Decoder<'static>,
    inside: bool,
    /// Met behind bytes that had to be given first.
    failed: Option<io::Error>,
}

impl Frames {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { decoder: Decoder::new()?, inside: false, failed: None })
    }

    /// Fills `out` as far as the file goes, and tells of every frame that ends: the offset behind it in the file, and how
    /// many bytes of `out` lie before it.
    pub(super) fn read(
        &mut self,
        input: &mut Input,
        out: &mut [u8],
        mut frame_ends: impl FnMut(u64, usize),
    ) -> io::Result<usize> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut target = OutBuffer::around(out);
        while target.pos() < target.capacity() {
            match self.step(input, &mut target, &mut frame_ends) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if target.pos() > 0 => {
                    self.failed = Some(error);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(target.pos())
    }

    fn step(
        &mut self,
        input: &mut Input,
        target: &mut OutBuffer<'_, [u8]>,
        frame_ends: &mut impl FnMut(u64, usize),
    ) -> io::Result<bool> {
        let bytes = input.fill()?;
        if bytes.is_empty() && !self.inside {
            return Ok(false);
        }
        let at_end = bytes.is_empty();
        let before = target.pos();
        let mut source = InBuffer::around(bytes);
        let hint = self.decoder.run(&mut source, target).map_err(|e| damaged(&format!("zstd: {e}")))?;
        let consumed = source.pos();
        input.consume(consumed);
        self.inside = hint != 0;
        if hint == 0 {
            frame_ends(input.offset(), target.pos());
            self.decoder.reinit()?;
        } else if at_end && target.pos() == before {
            return Err(truncated());
        }
        Ok(true)
    }
}
