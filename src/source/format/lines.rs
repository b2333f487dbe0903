//! JSON Lines as they stream by: one object a line, each a find of its own.

use super::{
    draft::{Fault, Piece},
    json, noted,
    stream::{Bytes, LINE_BYTES_MAX, read_line},
};

/// The lines of a file.
pub(super) struct Lines {
    bytes: Bytes,
    line: Vec<u8>,
    /// Bytes that are done with, of what is unpacked.
    pub(super) offset: u64,
    /// Lines that are done with.
    pub(super) number: u64,
    over: bool,
}

impl Lines {
    pub(super) fn new(bytes: Bytes, offset: u64, number: u64) -> Self {
        Self { bytes, line: Vec::new(), offset, number, over: false }
    }

    /// The next line that is not blank.
    pub(super) fn next(&mut self, file: &str) -> Option<Piece> {
        while !self.over {
            self.line.clear();
            let read = read_line(&mut self.bytes, &mut self.line);
            let place = format!(":{}", self.number + 1);
            let read = match read {
                Ok(0) => return None,
                Ok(read) => read,
                Err(error) => {
                    // what cannot be read now is not read again and again
                    self.over = true;
                    return Some(Err(Fault::at(place, format!("could not read on: {error}"))));
                }
            };
            self.offset += read;
            self.number += 1;
            if read > LINE_BYTES_MAX as u64 {
                let reason =
                    format!("the line has {read} bytes, more than the {LINE_BYTES_MAX} that are read");
                return Some(Err(Fault::at(place, reason)));
            }
            let bytes = self.line.trim_ascii();
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            if !bytes.is_empty() {
                let read = noted(bytes, || format!("line {} of {file}", self.number), json::line);
                return Some(read.map_err(|fault| fault.within(&place)));
            }
        }
        None
    }
}
