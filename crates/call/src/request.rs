//! What came in: arguments as places in the buffer they arrived in. Nothing is copied to be executed.

/// Where one argument stands in its buffer, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// How many bytes.
    pub len: u32,
}

/// One command with its arguments; argument 0 is the command's name.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    buffer: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Request<'a> {
    /// A request whose arguments stand in `buffer` at `spans`.
    #[inline]
    pub fn new(buffer: &'a [u8], spans: &'a [Span]) -> Self {
        Self { buffer, spans }
    }

    /// How many arguments there are, the name included.
    #[inline]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// True for the empty request, which no protocol hands over.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Argument `index`; panics when there is none (the row's arity was checked before).
    #[inline]
    pub fn arg(&self, index: usize) -> &'a [u8] {
        let span = self.spans[index];
        &self.buffer[span.start as usize..span.start as usize + span.len as usize]
    }

    /// Argument `index`, if there is one.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        (index < self.spans.len()).then(|| self.arg(index))
    }

    /// The command's name as it was written.
    #[inline]
    pub fn name(&self) -> &'a [u8] {
        self.arg(0)
    }

    /// The arguments from `first` on.
    pub fn args_from(&self, first: usize) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let this = *self;
        (first.min(this.len())..this.len()).map(move |index| this.arg(index))
    }

    /// The request that begins at argument `first` (a sub-command, or the command inside `COMMAND GETKEYS`).
    pub fn tail(&self, first: usize) -> Request<'a> {
        Request { buffer: self.buffer, spans: &self.spans[first.min(self.spans.len())..] }
    }

    /// Whether argument `index` is `word`, in any case.
    pub fn is(&self, index: usize, word: &str) -> bool {
        self.get(index).is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// Bytes of all arguments together.
    pub fn len_bytes(&self) -> usize {
        self.spans.iter().map(|span| span.len as usize).sum()
    }
}

impl Request<'_> {
    /// How many bytes lie between the begin of the first argument and the end of the last, at least.
    #[inline]
    pub fn extent(&self) -> usize {
        match (self.spans.first(), self.spans.last()) {
            (Some(first), Some(last)) => (last.start as usize + last.len as usize).saturating_sub(first.start as usize),
            _ => 0,
        }
    }
}

/// The requests that have arrived on one connection: the unit of work. Reused from turn to turn.
#[derive(Debug, Default)]
pub struct Pipeline {
    spans: Vec<Span>,
    ends: Vec<u32>,
}

impl Pipeline {
    /// Forgets everything and keeps its memory.
    pub fn clear(&mut self) {
        self.spans.clear();
        self.ends.clear();
    }

    /// Adds an argument to the request that is being read.
    #[inline]
    pub fn push_arg(&mut self, start: usize, len: usize) {
        self.spans.push(Span { start: start as u32, len: len as u32 });
    }

    /// Ends the request that is being read. A request without arguments is not kept.
    #[inline]
    pub fn end_request(&mut self) {
        let end = self.spans.len() as u32;
        if self.ends.last().copied().unwrap_or(0) != end {
            self.ends.push(end);
        }
    }

    /// The arguments of the request that was not ended yet.
    pub fn open_args(&self) -> &[Span] {
        &self.spans[self.ends.last().copied().unwrap_or(0) as usize..]
    }

    /// Takes back the arguments of a request that was not ended.
    pub fn abandon_request(&mut self) {
        self.spans.truncate(self.ends.last().copied().unwrap_or(0) as usize);
    }

    /// How many whole requests there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when no whole request has arrived.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Request `index`, whose bytes are in `buffer`.
    #[inline]
    pub fn request<'a>(&'a self, buffer: &'a [u8], index: usize) -> Request<'a> {
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        Request::new(buffer, &self.spans[start..self.ends[index] as usize])
    }
}

/// A request that owns its bytes: for the doors that have no buffer of their own, and for tests.
#[derive(Debug, Default, Clone)]
pub struct OwnedRequest {
    buffer: Vec<u8>,
    spans: Vec<Span>,
}

impl OwnedRequest {
    /// A request of `args`.
    pub fn new<A: AsRef<[u8]>>(args: impl IntoIterator<Item = A>) -> Self {
        let mut this = Self::default();
        for arg in args {
            let arg = arg.as_ref();
            this.spans.push(Span { start: this.buffer.len() as u32, len: arg.len() as u32 });
            this.buffer.extend_from_slice(arg);
        }
        this
    }

    /// The request, borrowed.
    pub fn as_request(&self) -> Request<'_> {
        Request::new(&self.buffer, &self.spans)
    }

    /// The bytes, and a pipeline of this one request over them.
    pub fn as_pipeline(&self) -> (&[u8], Pipeline) {
        let mut pipeline = Pipeline { spans: self.spans.clone(), ends: Vec::new() };
        pipeline.end_request();
        (&self.buffer, pipeline)
    }
}
