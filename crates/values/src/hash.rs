//! Hashs. To come.

use kvark_base::Result;

use crate::Type;
use crate::collection::Collection;
use crate::forms::Forms;
use crate::wire::Reader;

/// To come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hash;

impl Collection for Hash {
    const TYPE: Type = Type::Hash;

    fn len(&self) -> usize {
        0
    }

    fn apply(&mut self, ops: &mut Reader<'_>, _: &Forms) -> Result<()> {
        Err(ops.corrupt())
    }

    fn encode(&self, _: &mut Vec<u8>) {}

    fn decode(_: &mut Reader<'_>, _: &Forms) -> Result<Self> {
        Ok(Self)
    }

    fn memory_bytes(&self) -> usize {
        0
    }

    fn encoding(&self) -> &'static str {
        "hashtable"
    }

    fn each_for_digest(&self, _: &mut dyn FnMut(&[u8])) {}
}
