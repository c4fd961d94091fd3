//! What the tree reports, as errors of ours.

use std::io::ErrorKind;
use std::path::Path;

use kvark_base::{Error, Kind};

/// The failure of `what` (such as "reading a key") on the tier in `dir`.
pub(crate) fn explain(what: &str, dir: &Path, error: lsm_tree::Error) -> Error {
    let dir = dir.display();
    match error {
        lsm_tree::Error::Io(source) if is_damage(&source) => damaged(what, &dir, &source),
        lsm_tree::Error::Io(source) => Error::io(format!("{what} in {dir}"), &source),
        lsm_tree::Error::InvalidVersion(version) => Error::new(
            Kind::Unsupported,
            format!("{what} in {dir}: its files have format {version}, which this version of Kvark can't read."),
        ),
        error => damaged(what, &dir, &error),
    }
}

/// A file that is too short (reading from before its start is invalid input) or gone; it was there when it was synced.
fn is_damage(source: &std::io::Error) -> bool {
    matches!(
        source.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::NotFound
    )
}

fn damaged(what: &str, dir: &dyn std::fmt::Display, cause: &dyn std::fmt::Debug) -> Error {
    Error::new(
        Kind::Corrupt,
        format!(
            "{what} in {dir}: a table or the list of tables is damaged or missing ({cause:?}). Run `kvark check` to see \
             what is affected, then `kvark repair` or restore a backup."
        ),
    )
}
