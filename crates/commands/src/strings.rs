//! Strings.
use kvark_call::{Fault, Outcome, ReplySink, Request};
use kvark_keyspace::{View, Writer};
use kvark_values::ValueRef;

/// get
pub fn get(view: &View, req: &Request, out: &mut dyn ReplySink) -> Result<Outcome, Fault> {
    match view.find(req.arg(1)).map(|entry| entry.value()) {
        None => out.null(),
        Some(ValueRef::Int(number)) => out.bulk_integer(number),
        Some(ValueRef::Bytes(bytes)) => out.bulk(bytes),
    }
    Ok(Outcome::Done)
}

/// set
pub fn set(w: &mut Writer, req: &Request, out: &mut dyn ReplySink) -> Result<Outcome, Fault> {
    if req.len() > 3 {
        return Err(Fault::syntax());
    }
    w.put(req.arg(1), ValueRef::string(req.arg(2)), 0)?;
    out.status("OK");
    Ok(Outcome::Done)
}
