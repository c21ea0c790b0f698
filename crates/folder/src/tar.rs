//! Tar archives, as far as blocks need them: plain files and folders, read as a stream, with bounded memory.
//!
//! Format: POSIX.1-1988 ustar and the GNU and pax dialects, of which only what tar programs write by default is
//! known. Everything else is an error.

use std::io::{self, Read, Write};

const BLOCK: usize = 512;
/// Longer names are no names of files of a block.
const NAME_MAX: usize = 255;

/// A file or folder of an archive. The bytes of a file follow in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TarEntry {
    File { name: String, length: u64 },
    Folder { name: String },
}

/// Reads an archive entry by entry.
#[derive(Debug)]
pub struct TarReader<R> {
    source: R,
    /// Bytes of the current file that were not read, and of the padding after it.
    left: u64,
    padding: u64,
}

impl<R: Read> TarReader<R> {
    pub fn new(source: R) -> Self {
        Self {
            source,
            left: 0,
            padding: 0,
        }
    }

    /// The next entry; what is left of the one before is passed over. `None` at the end.
    pub fn next_entry(&mut self) -> io::Result<Option<TarEntry>> {
        loop {
            self.skip()?;
            let mut head = [0; BLOCK];
            match self.source.read(&mut head)? {
                // Some programs leave out the blocks of zeros at the end.
                0 => return Ok(None),
                read => self.source.read_exact(&mut head[read..])?,
            }
            if head.iter().all(|byte| *byte == 0) {
                return Ok(None);
            }
            let header = Header(&head);
            header.check()?;
            let length = header.number(124..136, "length")?;
            let Some(padded) = length.checked_next_multiple_of(BLOCK as u64) else {
                return Err(invalid(format!("a file of {length} bytes in the archive")));
            };
            self.left = length;
            self.padding = padded - length;
            let name = header.name()?;
            match head.get(156) {
                Some(b'0' | 0) => return Ok(Some(TarEntry::File { name, length })),
                Some(b'5') => return Ok(Some(TarEntry::Folder { name })),
                // Headers of the pax dialect: times and owners, which do not matter here.
                Some(b'x' | b'g') => {}
                other => {
                    let kind = other.copied().map_or(' ', char::from);
                    return Err(invalid(format!(
                        "{name:?} is of the kind {kind:?}, which blocks do not have"
                    )));
                }
            }
        }
    }

    fn skip(&mut self) -> io::Result<()> {
        // Together they are a length that fits.
        let rest = self.left + self.padding;
        (self.left, self.padding) = (0, 0);
        let skipped = io::copy(&mut (&mut self.source).take(rest), &mut io::sink())?;
        if skipped < rest {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

impl<R: Read> Read for TarReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let wanted = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let read = self.source.read(&mut buffer[..wanted])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

struct Header<'a>(&'a [u8; BLOCK]);

impl Header<'_> {
    fn check(&self) -> io::Result<()> {
        let sum: u64 = self.0.iter().map(|byte| u64::from(*byte)).sum();
        let field: u64 = self.0[148..156].iter().map(|byte| u64::from(*byte)).sum();
        // The sum is made with spaces in place of itself.
        let wanted = sum - field + 8 * u64::from(b' ');
        if self.number(148..156, "checksum")? != wanted {
            return Err(invalid(
                "this is not a tar archive, or it is damaged".to_owned(),
            ));
        }
        Ok(())
    }

    /// A number in octal digits, or in the binary form of large files.
    fn number(&self, place: std::ops::Range<usize>, what: &str) -> io::Result<u64> {
        let bytes = &self.0[place];
        if let Some((0x80, rest)) = bytes.split_first() {
            let (zeros, number) = rest.split_at(rest.len().saturating_sub(8));
            if zeros.iter().all(|byte| *byte == 0) {
                return Ok(number
                    .iter()
                    .fold(0, |all, byte| all << 8 | u64::from(*byte)));
            }
        }
        let text = std::str::from_utf8(bytes).unwrap_or("?");
        let digits = text.trim_matches(['\0', ' ']);
        u64::from_str_radix(digits, 8)
            .map_err(|_| invalid(format!("the {what} {digits:?} in the archive is no number")))
    }

    fn name(&self) -> io::Result<String> {
        let field = |place: std::ops::Range<usize>| {
            let bytes = &self.0[place];
            let end = bytes
                .iter()
                .position(|byte| *byte == 0)
                .unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        };
        let name = field(0..100);
        let prefix = if self.0[257..262] == *b"ustar" && self.0[262] == 0 {
            field(345..500)
        } else {
            String::new()
        };
        let name = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}/{name}")
        };
        if name.is_empty() || name.len() > NAME_MAX {
            return Err(invalid(
                "a file in the archive has no usable name".to_owned(),
            ));
        }
        Ok(name)
    }
}

/// Writes the header of a file; its bytes and [`padding`] follow.
pub fn write_header(out: &mut dyn Write, name: &str, length: u64) -> io::Result<()> {
    let mut head = [0_u8; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = head.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    if name.len() > 100 {
        return Err(invalid(format!(
            "the name {name:?} is too long for an archive"
        )));
    }
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(
        124,
        format!("{length:011o}\0")
            .get(..12)
            .unwrap_or_default()
            .as_bytes(),
    );
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.write_all(&head)
}

/// Writes the zeros after a file of this length.
pub fn write_padding(out: &mut dyn Write, length: u64) -> io::Result<()> {
    let missing = length.next_multiple_of(BLOCK as u64) - length;
    // Below 512.
    out.write_all(&[0; BLOCK][..missing as usize])
}

/// Writes the end of an archive.
pub fn write_end(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, bytes) in files {
            write_header(&mut out, name, bytes.len() as u64).unwrap();
            out.extend_from_slice(bytes);
            write_padding(&mut out, bytes.len() as u64).unwrap();
        }
        write_end(&mut out).unwrap();
        out
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut reader = TarReader::new(bytes);
        let mut found = Vec::new();
        while let Some(entry) = reader.next_entry()? {
            let mut content = Vec::new();
            if let TarEntry::File { name, .. } = entry {
                reader.read_to_end(&mut content)?;
                found.push((name, content));
            }
        }
        Ok(found)
    }

    #[test]
    fn what_is_written_can_be_read() {
        let bytes = archive(&[("a/meta.json", b"{}"), ("a/index", &[7; 513])]);
        let found = read(&bytes).unwrap();
        assert_eq!(found[0], ("a/meta.json".to_owned(), b"{}".to_vec()));
        assert_eq!(found[1].1.len(), 513);
        // Files that nobody reads are passed over.
        let mut reader = TarReader::new(&bytes[..]);
        assert!(matches!(
            reader.next_entry().unwrap(),
            Some(TarEntry::File { .. })
        ));
        let second = reader.next_entry().unwrap().unwrap();
        assert_eq!(
            second,
            TarEntry::File {
                name: "a/index".to_owned(),
                length: 513
            }
        );
    }

    /// The archive of a program that nobody here wrote.
    #[test]
    fn archives_of_tar_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("b")).unwrap();
        std::fs::write(dir.path().join("b/f"), "content").unwrap();
        for format in ["gnu", "ustar", "pax"] {
            let mut command = std::process::Command::new("tar");
            command
                .current_dir(dir.path())
                .args(["-c", "--format", format, "b"]);
            let output = command.output().unwrap();
            assert!(output.status.success(), "{output:?}");
            let found = read(&output.stdout).unwrap();
            assert_eq!(found, [("b/f".to_owned(), b"content".to_vec())], "{format}");
        }
    }

    #[test]
    fn damage_is_an_error() {
        let good = archive(&[("a", b"0123456789")]);
        for length in [100, 513, 520, 1000] {
            assert!(read(&good[..length]).is_err(), "{length}");
        }
        for at in 0..500 {
            let mut bad = good.clone();
            bad[at] ^= 0x41;
            // Wrong places are errors, whatever they mean.
            assert!(read(&bad).is_err(), "{at}");
        }
        // A length that no file has, in the binary form.
        let mut bad = good.clone();
        bad[124] = 0x80;
        bad[125..128].fill(0);
        bad[128..136].fill(0xff);
        let sum: u32 = bad[..512].iter().map(|byte| u32::from(*byte)).sum();
        let field: u32 = bad[148..156].iter().map(|byte| u32::from(*byte)).sum();
        let sum = sum - field + 8 * u32::from(b' ');
        bad[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let error = read(&bad).unwrap_err().to_string();
        assert!(
            error.contains("a file of 18446744073709551615 bytes"),
            "{error}"
        );
        assert!(read(b"<html>").is_err());
        assert_eq!(read(b"").unwrap(), []);
    }
}
