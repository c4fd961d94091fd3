//! The settings that a loop keeps to, copied so that a turn looks at one number only.

use kvark_base::Millis;
use kvark_call::Settings;
use kvark_call::setting::{OutputLimit, output_limit};

/// A connection whose answers pile up above this is neither read nor executed until they have left.
const BACKLOG_LEN: usize = 1024 * 1024;

/// Places in a query buffer are 32-bit numbers.
const MAX_QUERY_LEN: usize = u32::MAX as usize;

#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// The settings' generation that this is a copy of.
    pub generation: u64,
    pub query_len: usize,
    pub output: OutputLimit,
    /// The limit of those who listen to channels.
    pub pubsub_output: OutputLimit,
    pub backlog_len: usize,
    pub idle_ms: Millis,
    pub keepalive_seconds: u64,
    pub max_clients: usize,
    pub max_bulk_len: usize,
    pub has_password: bool,
    /// Clients of other machines are turned away.
    pub local_only: bool,
}

impl Rules {
    pub fn new(settings: &Settings) -> Self {
        let generation = settings.generation();
        let number = |name| settings.number(name) as usize;
        let limits = settings.get("client-output-buffer-limit");
        let output = output_limit(&limits, "normal");
        let has_password = !settings.get("requirepass").is_empty();
        Self {
            generation,
            query_len: number("client-query-buffer-limit").min(MAX_QUERY_LEN),
            output,
            pubsub_output: output_limit(&limits, "pubsub"),
            backlog_len: backlog_len(output),
            idle_ms: settings.number("timeout") as Millis * 1000,
            keepalive_seconds: settings.number("tcp-keepalive") as u64,
            max_clients: number("maxclients"),
            max_bulk_len: number("proto-max-bulk-len"),
            has_password,
            local_only: settings.flag("protected-mode") && !has_password,
        }
    }
}

/// Where a limit is set, a connection must be able to go over it, or it would never be closed for that.
fn backlog_len(output: OutputLimit) -> usize {
    let limit = output.hard_bytes.max(output.soft_bytes) as usize;
    BACKLOG_LEN.max(limit.saturating_add(1))
}
